"""Released scores, the bank, and decisions.  Source: the programme's rules, sections 6 and 8.

Everything here is written at the moment of release, in one transaction, and never changed.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.exact import ExactField
from certification.kernel.states import append_only

from ..states import Outcome


class Release(models.Model):
    """One moment at which scores came out for everyone due.  Holds no personal data.

    A year that staff move to an instant already past comes out in a release of its own.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    due_at = models.DateTimeField(help_text="The instant the calendar names.")
    released_at = models.DateTimeField(help_text="The instant it happened.")
    entries = models.PositiveIntegerField()
    decisions = models.PositiveIntegerField()

    class Meta:
        ordering = ["due_at", "released_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at__gte=models.F("due_at")),
                name="release_never_early",
                violation_error_message="Scores are not released a second before their instant.",
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"release of {self.due_at:%Y-%m-%d}"


class EntryScore(models.Model):
    """What one entry was given, with feedback per look-for.  Append-only.

    Personal data: through the entry.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.OneToOneField("portfolio.Entry", on_delete=models.PROTECT, related_name="score")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="scores")
    score = ExactField(null=True, blank=True)
    condition = models.CharField(max_length=60, blank=True)
    look_fors = models.JSONField(default=dict, help_text="Look-for key → exact score as text.")
    reasons = models.JSONField(default=list)
    rule_set_digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(condition="", score__isnull=False) | (~Q(condition="") & Q(score__isnull=True)),
                name="entry_score_scored_or_unscorable",
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"score of {self.entry_id}"


class BankedScore(models.Model):
    """The score that counts for one entry after one release.  Append-only.

    Personal data: through the candidacy.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey("candidates.Candidacy", on_delete=models.PROTECT, related_name="banked")
    entry_key = models.SlugField(max_length=60)
    year = models.PositiveSmallIntegerField(help_text="The year after whose release this counts.")
    score = ExactField()
    look_fors = models.JSONField(default=dict)
    earned_in_year = models.PositiveSmallIntegerField()
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="banked")

    class Meta:
        ordering = ["candidacy", "year", "entry_key"]
        constraints = [
            models.UniqueConstraint(fields=["candidacy", "entry_key", "year"], name="banked_once_a_year"),
            models.CheckConstraint(
                condition=Q(earned_in_year__lte=models.F("year")), name="banked_earned_before_it_counts"
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.entry_key} banked in year {self.year}"


class Decision(models.Model):
    """What a year's release meant for one candidacy, and why.  Append-only.

    Personal data: through the candidacy.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey("candidates.Candidacy", on_delete=models.PROTECT, related_name="decisions")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="decisions_made")
    year = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=20, choices=Outcome)
    ended_as = models.CharField(max_length=40, blank=True)
    overall = ExactField(null=True, blank=True)
    reasons = models.JSONField(default=list)
    open_next_year = ArrayField(models.SlugField(max_length=60), default=list, blank=True)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["candidacy", "year"]
        constraints = [
            models.UniqueConstraint(fields=["candidacy", "year"], name="decision_once_a_year"),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.ENDED) | ~Q(ended_as=""), name="decision_end_says_how"
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.outcome} after year {self.year}"
