"""What a rehearsal of the upload found out.  Source: the programme's rules, section 5."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only


class Rehearsal(models.Model):
    """One test upload: how fast the line is, and whether the device's video can be used.  Append-only.

    Nothing of what was sent is kept.  Personal data: through the candidacy, whose line it was.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey("candidates.Candidacy", on_delete=models.PROTECT, related_name="rehearsals")
    rehearsed_at = models.DateTimeField()
    line_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Sent to measure the line.")
    line_milliseconds = models.PositiveIntegerField(null=True, blank=True)
    clip_format = models.CharField(max_length=10, blank=True)
    clip_codec = models.CharField(max_length=30, blank=True)
    clip_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    clip_seconds = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    problem = models.TextField(
        blank=True, help_text="Why the clip could not be used, as the candidate reads it."
    )

    class Meta:
        ordering = ["-rehearsed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(line_bytes__isnull=True, line_milliseconds__isnull=True)
                | Q(line_bytes__gt=0, line_milliseconds__gt=0),
                name="rehearsal_line_is_measured_whole",
            )
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"rehearsal of {self.rehearsed_at:%Y-%m-%d}"
