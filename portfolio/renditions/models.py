"""What is made of a piece of evidence for those who look at it, and how far that has come."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import frozen_fields, state_is_known, state_machine

from .. import states
from ..states import PreparationState, Scan


class Preparation(models.Model):
    """A piece of evidence on its way to being shown: scanned, decoded whole, and drawn as scorers see it.

    Personal data: `problem` may repeat the file's name.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    evidence = models.OneToOneField(
        "portfolio.Evidence", on_delete=models.PROTECT, related_name="preparation"
    )
    state = models.CharField(max_length=20, choices=PreparationState, default=PreparationState.RECEIVED)
    step = models.CharField(
        max_length=60, blank=True, help_text="What is being done, as the candidate reads it."
    )
    percent = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="Why it cannot be used, as the candidate reads it.")
    scan = models.CharField(max_length=10, choices=Scan, default=Scan.NOT_ASKED, blank=True)
    terms_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the identifiers that were looked for."
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often it was begun.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often the file made that fail.")
    received_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["received_at"]
        indexes = [models.Index(fields=["state", "received_at"], name="preparation_by_state")]
        constraints = [
            state_is_known(PreparationState, name="preparation_state_known"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="preparation_percent_in_range"),
            models.CheckConstraint(
                condition=~Q(state=PreparationState.REJECTED) | ~Q(problem=""),
                name="preparation_rejected_has_reason",
                violation_error_message="A piece that cannot be used says why.",
            ),
            models.CheckConstraint(
                condition=~Q(state=PreparationState.READY) | ~Q(scan__in=[Scan.SKIPPED, Scan.INFECTED]),
                name="preparation_ready_was_scanned",
                violation_error_message="What the scanner skipped or found harmful is not ready.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=states.PREPARING) | Q(ended_at__isnull=False),
                name="preparation_ended_has_instant",
                violation_error_message="A preparation that is over has the instant it ended.",
            ),
        ]
        triggers = [
            *state_machine(states.PREPARATION_ALLOWED, initial=[PreparationState.RECEIVED]),
            *frozen_fields("evidence", "received_at"),
        ]

    def __str__(self) -> str:
        return f"preparation of {self.evidence}"


class RenditionKind(models.TextChoices):
    PAGE = "page", "Page"
    DOCUMENT = "document", "Clean PDF"
    VIDEO = "video", "Video"
    POSTER = "poster", "Poster frame"
    CAPTIONS = "captions", "Captions"


class Rendition(models.Model):
    """One file as scorers will see it, in the store of originals.  Personal data: faces in videos."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    preparation = models.ForeignKey(Preparation, on_delete=models.CASCADE, related_name="files")
    kind = models.CharField(max_length=10, choices=RenditionKind)
    page_number = models.PositiveSmallIntegerField(null=True, blank=True)
    storage_key = models.CharField(max_length=200, unique=True)
    content_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    text = models.TextField(blank=True, help_text="The words on the page, identifiers left out.")

    class Meta:
        ordering = ["preparation", "kind", "page_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["preparation", "kind", "page_number"],
                name="rendition_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.preparation}"


class Sighting(models.Model):
    """An identifier met in the evidence, shown to its candidate so that it can be mended.

    Personal data: the identifier as it was found.
    """

    id = models.BigAutoField(primary_key=True)
    preparation = models.ForeignKey(Preparation, on_delete=models.CASCADE, related_name="sightings")
    where = models.CharField(max_length=120)
    page_number = models.PositiveSmallIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    excerpt = models.CharField(max_length=300)
    covered = models.BooleanField(help_text="Whether the rendition no longer shows it.")

    class Meta:
        ordering = ["preparation", "page_number", "id"]

    def __str__(self) -> str:
        return f"{self.kind} in {self.where}"


class Captions(models.Model):
    """A video's captions, as WebVTT.  Personal data: what people say in the video."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    evidence = models.OneToOneField("portfolio.Evidence", on_delete=models.PROTECT, related_name="captions")
    original_name = models.CharField(max_length=255)
    text = models.TextField(help_text="WebVTT, as it was checked and written anew.")
    sha256 = models.CharField(max_length=64, help_text="Of the file as it was handed in.")
    size = models.PositiveIntegerField()
    added_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "captions"
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="captions_not_empty")]
        triggers = [
            pgtrigger.Trigger(
                name="only_in_preparation",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("entry_state", "TEXT")],
                func=states.ONLY_WHILE_EVIDENCE_CHANGES,
            )
        ]

    def __str__(self) -> str:
        return self.original_name


class UnclaimedRendition(models.Model):
    """A key of the store of originals that no rendition stands for yet, or any more; the sweep removes it.

    Holds no personal data.
    """

    storage_key = models.CharField(max_length=200, primary_key=True)
    preparation = models.ForeignKey(Preparation, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return self.storage_key
