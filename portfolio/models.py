"""Frameworks, entries and evidence.  Source: the programme's rules, section 5."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only, frozen_fields, state_is_known, state_machine

from . import states
from .blinding.models import Blinding, CleanedFile, Finding
from .consent.models import EntryAffirmation, NobodySeen, PersonSeen, ReleaseForm
from .rehearsal.models import Rehearsal
from .renditions.models import Captions, Preparation, Rendition, Sighting, UnclaimedRendition
from .results.models import BankedScore, Decision, EntryScore, Release
from .states import EntryState, EvidenceKind
from .uploads.models import Upload, UploadPart
from .viewing.models import MediaView

__all__ = [
    "BankedScore",
    "Blinding",
    "Captions",
    "CleanedFile",
    "Decision",
    "Entry",
    "EntryAffirmation",
    "EntryScore",
    "EntryTemplate",
    "Evidence",
    "Finding",
    "Framework",
    "MediaView",
    "NobodySeen",
    "PersonSeen",
    "Preparation",
    "Receipt",
    "Rehearsal",
    "Release",
    "ReleaseForm",
    "Rendition",
    "SelfAssessment",
    "Sighting",
    "Slot",
    "UnclaimedRendition",
    "Upload",
    "UploadPart",
]

_ONLY_WHILE_IN_PREPARATION = """
    SELECT state INTO entry_state FROM portfolio_entry
        WHERE id = COALESCE(NEW.entry_id, OLD.entry_id) FOR SHARE;
    IF entry_state IS DISTINCT FROM 'draft' THEN
        RAISE EXCEPTION 'evidence of an entry that is % cannot change', entry_state;
    END IF;
    RETURN COALESCE(NEW, OLD);
"""


class Framework(models.Model):
    """A version of what a portfolio consists of.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=150)
    summary = models.TextField(blank=True)
    to_be_confirmed = models.BooleanField(default=False, help_text="Shown as “to be confirmed by ICG”.")
    rubric = models.ForeignKey("scoring.Rubric", on_delete=models.PROTECT, related_name="+")
    rule_set = models.ForeignKey("scoring.RuleSetVersion", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.title


class EntryTemplate(models.Model):
    """What one entry asks for.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    framework = models.ForeignKey(Framework, on_delete=models.CASCADE, related_name="entries")
    key = models.SlugField(max_length=60)
    title = models.CharField(max_length=150)
    purpose = models.TextField()
    ordinal = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["framework", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["framework", "key"], name="entry_template_key_unique")]

    def __str__(self) -> str:
        return self.title


class Slot(models.Model):
    """A place for evidence, with its limits.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    template = models.ForeignKey(EntryTemplate, on_delete=models.CASCADE, related_name="slots")
    key = models.SlugField(max_length=60)
    title = models.CharField(max_length=150)
    purpose = models.TextField()
    kind = models.CharField(max_length=10, choices=EvidenceKind)
    required = models.BooleanField(default=True)
    min_files = models.PositiveSmallIntegerField(default=1)
    max_files = models.PositiveSmallIntegerField(default=1)
    max_pages = models.PositiveSmallIntegerField(null=True, blank=True)
    max_minutes = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    max_bytes = models.PositiveBigIntegerField()
    formats = ArrayField(models.CharField(max_length=10))
    ordinal = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["template", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["template", "key"], name="slot_key_unique"),
            models.CheckConstraint(
                condition=Q(max_files__gte=models.F("min_files")),
                name="slot_file_counts_in_order",
                violation_error_message="A slot's most files may not be fewer than its fewest.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Entry(models.Model):
    """One year's attempt at one entry.  Personal data: through the candidacy; its evidence shows people."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey("candidates.Candidacy", on_delete=models.PROTECT, related_name="entries")
    template = models.ForeignKey(EntryTemplate, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(help_text="Year of the candidacy: 1, 2 or 3.")
    is_retake = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=EntryState, default=EntryState.DRAFT)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    submit_at_close_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when the candidate wants it submitted at the close, if it is complete then.",
    )
    sealed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["candidacy", "year", "template__ordinal"]
        verbose_name_plural = "entries"
        constraints = [
            state_is_known(EntryState, name="entry_state_known"),
            models.UniqueConstraint(fields=["candidacy", "template", "year"], name="entry_once_a_year"),
            models.CheckConstraint(condition=Q(year__gte=1, year__lte=3), name="entry_year_one_to_three"),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(states.ATTEMPTED_ENTRIES)) | Q(submitted_at__isnull=False),
                name="entry_submitted_has_instant",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[EntryState.SEALED, EntryState.RELEASED]) | Q(sealed_at__isnull=False),
                name="entry_sealed_has_instant",
            ),
        ]
        triggers = [
            *state_machine(states.ENTRY_ALLOWED, initial=[EntryState.DRAFT]),
            *frozen_fields("candidacy", "template", "year", "is_retake"),
        ]

    def __str__(self) -> str:
        return f"{self.template}, year {self.year}"


class Evidence(models.Model):
    """An original file in a slot.  Personal data: the file itself, and its name."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="evidence")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+")
    original_name = models.CharField(max_length=255)
    storage_key = models.CharField(max_length=200, unique=True)
    format = models.CharField(max_length=10)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    place = models.PositiveSmallIntegerField(default=0, help_text="Its place among the files of its slot.")
    uploaded_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["slot__ordinal", "place", "uploaded_at"]
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="evidence_not_empty"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="only_in_preparation",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("entry_state", "TEXT")],
                func=_ONLY_WHILE_IN_PREPARATION,
            ),
            *frozen_fields("entry", "slot", "original_name", "storage_key", "size", "sha256"),
        ]

    def __str__(self) -> str:
        return self.original_name


class SelfAssessment(models.Model):
    """How a candidate judges one look-for of an entry, for themselves alone.

    Personal data: the judgement and the note; no page of staff or scorers shows either.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="self_assessments")
    look_for = models.CharField(max_length=60, help_text="The look-for's key.")
    level = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["entry", "look_for"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "look_for"], name="self_assessment_once_per_look_for")
        ]

    def __str__(self) -> str:
        return self.look_for


class Receipt(models.Model):
    """Proof of one submission: each file's name, size, digest, and the instant.  Append-only.

    Personal data: the candidate's name; file names as they chose them; how they call who is seen.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    number = models.CharField(max_length=20, unique=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="receipts")
    submitted_at = models.DateTimeField()
    about = models.JSONField(
        default=dict, help_text="The entry, its year, the candidate and the candidacy, as they were called."
    )
    manifest = models.JSONField(
        help_text="One object per file: slot, name, size, sha256, pages, seconds, received_at."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the canonical manifest.")
    consent = models.JSONField(
        default=list, help_text="The consent ledger of the entry's videos, as it stood."
    )
    affirmations = models.JSONField(
        default=list, help_text="What was affirmed: kind, sha256 of the text, instant."
    )
    by_wish = models.BooleanField(
        default=False, help_text="Submitted at the close, because the candidate had asked for that."
    )

    class Meta:
        ordering = ["submitted_at"]
        triggers = append_only()

    def __str__(self) -> str:
        return self.number
