"""The blind side: what scorers judge with, and what they judged.

No table here refers to a candidate, an entry or an account by foreign key; a packet knows only its code.
The database role of scorer requests reads these tables through row-level policies (migration 0002).
Source: the programme's rules, sections 6 and 7; ADR 0002.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.exact import ExactField
from certification.kernel.states import append_only, frozen_fields, state_is_known, state_machine

from . import states
from .states import AssignmentRole, AssignmentState, FileKind, PacketState


class Rubric(models.Model):
    """A version of the look-fors, for every entry of a framework.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    slug = models.SlugField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=150)

    class Meta:
        ordering = ["slug", "-version"]
        constraints = [models.UniqueConstraint(fields=["slug", "version"], name="rubric_version_unique")]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"


class RubricEntry(models.Model):
    """What one kind of entry is judged by.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="entries")
    key = models.SlugField(max_length=60)
    title = models.CharField(max_length=150)
    ordinal = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["rubric", "ordinal"]
        verbose_name_plural = "rubric entries"
        constraints = [models.UniqueConstraint(fields=["rubric", "key"], name="rubric_entry_key_unique")]

    def __str__(self) -> str:
        return self.title


class LookFor(models.Model):
    """One line of the rubric.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.ForeignKey(RubricEntry, on_delete=models.CASCADE, related_name="look_fors")
    key = models.SlugField(max_length=60)
    title = models.CharField(max_length=150)
    description = models.TextField()
    levels = models.JSONField(default=dict, help_text="Level → what evidence at that level looks like.")
    ordinal = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["entry", "ordinal"]
        verbose_name = "look-for"
        verbose_name_plural = "look-fors"
        constraints = [models.UniqueConstraint(fields=["entry", "key"], name="look_for_key_unique")]

    def __str__(self) -> str:
        return self.title


class RuleSetVersion(models.Model):
    """The arithmetic of a programme as data; unchangeable once used.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    slug = models.SlugField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=150)
    data = models.JSONField(help_text="See docs/scoring-rules.md.")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["slug", "-version"]
        constraints = [models.UniqueConstraint(fields=["slug", "version"], name="rule_set_version_unique")]
        triggers = [
            pgtrigger.Protect(
                name="frozen_once_used",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__used_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"


class Scorer(models.Model):
    """Somebody trained to score, known to others by an alias only.

    Personal data: the account's key (no foreign key: the wall), employer and district for conflicts.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    account_id = models.UUIDField(unique=True)
    alias = models.CharField(max_length=20, unique=True)
    is_lead = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    employer = models.CharField(max_length=150, blank=True)
    district = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["alias"]

    def __str__(self) -> str:
        return self.alias


class Conflict(models.Model):
    """An organisation whose candidates a scorer declared not to score.  Personal data: the organisation."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    scorer = models.ForeignKey(Scorer, on_delete=models.CASCADE, related_name="conflicts")
    organisation = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"{self.scorer}: {self.organisation}"


class Qualification(models.Model):
    """A scorer's passed gate for one kind of entry.  Personal data: through the scorer."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    scorer = models.ForeignKey(Scorer, on_delete=models.CASCADE, related_name="qualifications")
    rubric_entry = models.ForeignKey(RubricEntry, on_delete=models.PROTECT, related_name="qualifications")
    exact_percent = models.DecimalField(max_digits=5, decimal_places=2)
    within_one_percent = models.DecimalField(max_digits=5, decimal_places=2)
    qualified_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scorer", "rubric_entry"], name="qualification_once"),
            models.CheckConstraint(
                condition=Q(exact_percent__gte=0, exact_percent__lte=100)
                & Q(within_one_percent__gte=0, within_one_percent__lte=100),
                name="qualification_percentages",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scorer} for {self.rubric_entry}"


class Packet(models.Model):
    """What scorers see of one entry: a random code and cleaned copies.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    code = models.CharField(max_length=12, unique=True)
    rubric_entry = models.ForeignKey(RubricEntry, on_delete=models.PROTECT, related_name="packets")
    rule_set = models.ForeignKey(RuleSetVersion, on_delete=models.PROTECT, related_name="packets")
    state = models.CharField(max_length=20, choices=PacketState, default=PacketState.READY)
    minted_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            state_is_known(PacketState, name="packet_state_known"),
            models.CheckConstraint(
                condition=~Q(state=PacketState.CLOSED) | Q(closed_at__isnull=False),
                name="packet_closed_has_instant",
            ),
        ]
        triggers = [
            *state_machine(states.PACKET_ALLOWED, initial=[PacketState.READY]),
            *frozen_fields("code", "rubric_entry", "rule_set"),
        ]

    def __str__(self) -> str:
        return self.code


class PacketFile(models.Model):
    """One cleaned file of a packet.  Append-only.  Personal data: none after cleaning; faces in videos."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    packet = models.ForeignKey(Packet, on_delete=models.PROTECT, related_name="files")
    ordinal = models.PositiveSmallIntegerField()
    slot_title = models.CharField(max_length=150)
    label = models.CharField(max_length=150)
    kind = models.CharField(max_length=10, choices=FileKind)
    page_number = models.PositiveSmallIntegerField(null=True, blank=True)
    storage_key = models.CharField(max_length=200, unique=True)
    content_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    text = models.TextField(
        blank=True, help_text="What the page says, identifiers removed, for screen readers."
    )

    class Meta:
        ordering = ["packet", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["packet", "ordinal"], name="packet_file_ordinal_unique")
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.ordinal}. {self.label}"


class Assignment(models.Model):
    """One scorer's turn at one packet, with the draft of their marks.  Personal data: through the scorer."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    packet = models.ForeignKey(Packet, on_delete=models.PROTECT, related_name="assignments")
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=20, choices=AssignmentRole, default=AssignmentRole.SCORER)
    state = models.CharField(max_length=20, choices=AssignmentState, default=AssignmentState.ASSIGNED)
    assigned_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    saved_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    draft = models.JSONField(
        default=dict, blank=True, help_text="ratings, condition and note, not yet submitted."
    )

    class Meta:
        ordering = ["assigned_at"]
        constraints = [
            state_is_known(AssignmentState, name="assignment_state_known"),
            models.UniqueConstraint(fields=["packet", "scorer"], name="assignment_once_per_scorer"),
            models.UniqueConstraint(
                fields=["packet"],
                condition=Q(role=AssignmentRole.ADJUDICATOR) & ~Q(state=AssignmentState.RECUSED),
                name="assignment_one_adjudicator",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[AssignmentState.SUBMITTED, AssignmentState.RECUSED])
                | Q(ended_at__isnull=False),
                name="assignment_end_has_instant",
            ),
        ]
        triggers = [
            *state_machine(states.ASSIGNMENT_ALLOWED, initial=[AssignmentState.ASSIGNED]),
            *frozen_fields("packet", "scorer", "role", "assigned_at"),
        ]

    def __str__(self) -> str:
        return f"{self.packet} by {self.scorer}"


class Reading(models.Model):
    """What one scorer decided about one packet.  Append-only.  Personal data: through the assignment."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="reading")
    condition = models.CharField(max_length=60, blank=True, help_text="Why it cannot be scored, or empty.")
    note = models.TextField(blank=True)
    score = ExactField(null=True, blank=True)
    submitted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(condition="", score__isnull=False) | (~Q(condition="") & Q(score__isnull=True)),
                name="reading_scored_or_unscorable",
                violation_error_message="A reading has either a score or the reason why it cannot be scored.",
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"reading of {self.assignment}"


class Mark(models.Model):
    """One look-for's points in one reading.  Append-only.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="marks")
    look_for = models.SlugField(max_length=60)
    points = models.DecimalField(max_digits=9, decimal_places=4)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reading", "look_for"], name="mark_once")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.look_for}: {self.points}"


class PacketResult(models.Model):
    """What a packet came to.  Append-only; never shown to scorers.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    packet = models.OneToOneField(Packet, on_delete=models.PROTECT, related_name="result")
    score = ExactField(null=True, blank=True)
    condition = models.CharField(max_length=60, blank=True)
    look_fors = models.JSONField(default=dict, help_text="Look-for key → exact score as text.")
    reasons = models.JSONField(default=list)
    rule_set_digest = models.CharField(max_length=64)
    closed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(condition="", score__isnull=False) | (~Q(condition="") & Q(score__isnull=True)),
                name="packet_result_scored_or_unscorable",
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"result of {self.packet}"


class EvidenceShown(models.Model):
    """What a scorer was shown, to the byte.  Append-only.  Personal data: through the assignment."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="shown")
    file = models.ForeignKey(PacketFile, on_delete=models.PROTECT, related_name="shown")
    sha256 = models.CharField(max_length=64)
    link = models.UUIDField(
        null=True, unique=True, editable=False, help_text="The signed link's own number; a link is one look."
    )
    shown_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence shown"
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.file} in {self.assignment}"
