"""Who is seen in a video, and what they, or their parents, have agreed to.

Source: the programme's rules, section 10.
"""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only, frozen_fields

from .. import states


def _only_while_evidence_changes() -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="only_in_preparation",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("entry_state", "TEXT")],
        func=states.ONLY_WHILE_EVIDENCE_CHANGES,
    )


class ReleaseForm(models.Model):
    """A signed form that allows somebody to be shown.  Personal data: the form itself, and its name."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey(
        "candidates.Candidacy", on_delete=models.PROTECT, related_name="release_forms"
    )
    title = models.CharField(max_length=120, help_text="What the candidate calls it.")
    original_name = models.CharField(max_length=255)
    storage_key = models.CharField(max_length=200, unique=True)
    format = models.CharField(max_length=10)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["uploaded_at"]
        constraints = [models.CheckConstraint(condition=Q(size__gt=0), name="release_form_not_empty")]
        triggers = frozen_fields("candidacy", "original_name", "storage_key", "size", "sha256")

    def __str__(self) -> str:
        return self.title


class PersonSeen(models.Model):
    """Somebody, or a group, seen or heard in one video, and what the form that covers them allows.

    Personal data: how the candidate calls them; whether they are minors.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    evidence = models.ForeignKey("portfolio.Evidence", on_delete=models.PROTECT, related_name="people_seen")
    who = models.CharField(
        max_length=120, help_text="As the candidate calls them: “the teacher”, “grade 4, 22 students”."
    )
    minors = models.BooleanField(default=False)
    release_form = models.ForeignKey(
        ReleaseForm, on_delete=models.PROTECT, related_name="covers", null=True, blank=True
    )
    for_scoring = models.BooleanField(default=False)
    for_training = models.BooleanField(default=False)
    for_research = models.BooleanField(default=False)
    until_on = models.DateField(
        null=True, blank=True, help_text="Last day of the consent; empty without end."
    )
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["evidence", "added_at"]
        verbose_name_plural = "people seen"
        constraints = [models.CheckConstraint(condition=~Q(who=""), name="person_seen_is_called_something")]
        triggers = [_only_while_evidence_changes(), *frozen_fields("evidence", "added_at")]

    def __str__(self) -> str:
        return self.who


class NobodySeen(models.Model):
    """The candidate's word that nobody can be recognised in a video.  Holds no personal data."""

    evidence = models.OneToOneField(
        "portfolio.Evidence", on_delete=models.PROTECT, related_name="nobody_seen", primary_key=True
    )
    stated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "videos with nobody seen"
        triggers = [_only_while_evidence_changes()]

    def __str__(self) -> str:
        return f"nobody seen in {self.evidence}"


class EntryAffirmation(models.Model):
    """One sentence affirmed on submitting an entry, with the exact text behind it.  Append-only.

    Personal data: the account.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.ForeignKey("portfolio.Entry", on_delete=models.PROTECT, related_name="affirmations")
    document = models.ForeignKey("candidates.PolicyDocument", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    affirmed_at = models.DateTimeField()

    class Meta:
        ordering = ["affirmed_at"]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.kind} ({self.affirmed_at:%Y-%m-%d})"
