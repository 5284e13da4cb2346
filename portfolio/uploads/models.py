"""Files on their way: what a candidate is sending in parts, and which parts have arrived."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import frozen_fields, state_is_known, state_machine

from .. import states
from ..states import UploadState
from .rules import MAX_PARTS, Part


class Upload(models.Model):
    """A file being sent in parts into a slot.  Personal data: the file's name, and the file in its parts."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.ForeignKey("portfolio.Entry", on_delete=models.PROTECT, related_name="uploads")
    slot = models.ForeignKey("portfolio.Slot", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    declared_type = models.CharField(
        max_length=100, blank=True, help_text="As the browser says; not believed."
    )
    declared_bytes = models.PositiveBigIntegerField()
    part_bytes = models.PositiveIntegerField(help_text="Size of every part but the last.")
    state = models.CharField(max_length=20, choices=UploadState, default=UploadState.OPEN)
    storage_id = models.CharField(
        max_length=1024, blank=True, help_text="The bucket's own name for it; empty on local disk."
    )
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True, help_text="When the last part was in.")
    ended_at = models.DateTimeField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    failures = models.PositiveSmallIntegerField(
        default=0, help_text="How often its check ended in a mistake of ours."
    )
    problem = models.TextField(blank=True, help_text="Why it was not accepted, as the candidate reads it.")
    evidence = models.ForeignKey(
        "portfolio.Evidence", on_delete=models.PROTECT, related_name="uploads", null=True, blank=True
    )
    replaces = models.ForeignKey(
        "portfolio.Evidence",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The piece in whose place it comes, where a slot holds several.",
    )

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["state", "completed_at"], name="upload_by_state")]
        constraints = [
            state_is_known(UploadState, name="upload_state_known"),
            models.CheckConstraint(condition=Q(declared_bytes__gt=0), name="upload_not_empty"),
            models.CheckConstraint(condition=Q(part_bytes__gt=0), name="upload_parts_not_empty"),
            models.CheckConstraint(
                condition=~Q(state__in=[UploadState.COMPLETING, UploadState.TAKEN, UploadState.REFUSED])
                | Q(completed_at__isnull=False),
                name="upload_completed_has_instant",
                violation_error_message="An upload that is checked has the instant its last part was in.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(states.UNDER_WAY_UPLOADS)) | Q(ended_at__isnull=False),
                name="upload_ended_has_instant",
                violation_error_message="An upload that is over has the instant it ended.",
            ),
            models.CheckConstraint(
                condition=~Q(state=UploadState.TAKEN) | (Q(evidence__isnull=False) & ~Q(sha256="")),
                name="upload_taken_has_evidence",
                violation_error_message="An upload that was taken names its evidence and digest.",
            ),
            models.CheckConstraint(
                condition=~Q(state=UploadState.REFUSED) | ~Q(problem=""),
                name="upload_refused_has_reason",
                violation_error_message="An upload that was refused says why.",
            ),
        ]
        triggers = [
            *state_machine(states.UPLOAD_ALLOWED, initial=[UploadState.OPEN]),
            *frozen_fields("entry", "slot", "name", "declared_bytes", "part_bytes", "created_at"),
        ]

    def __str__(self) -> str:
        return self.name


class UploadPart(models.Model):
    """A part that has arrived whole.  Holds no personal data."""

    id = models.BigAutoField(primary_key=True)
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    bytes = models.PositiveIntegerField()
    etag = models.CharField(max_length=100, help_text="What the store made of the part: a digest.")
    is_apart = models.BooleanField(
        default=True, help_text="Kept by itself, and not in its place in the file it is a part of."
    )
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["upload", "number"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once"),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=MAX_PARTS), name="upload_part_number_in_range"
            ),
        ]

    def as_part(self) -> Part:
        """The part as the store knows it."""
        return Part(self.number, self.bytes, self.etag, self.is_apart)
