"""What a rehearsal of the upload found out.  Source: the programme's rules, section 5."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only

from .states import Treatment


class Rehearsal(models.Model):
    """One test upload: how fast the line is, and whether the device's video can be used.  Append-only.

    Nothing of what was sent is kept.  Personal data: through the candidacy, whose line it was.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey("candidates.Candidacy", on_delete=models.PROTECT, related_name="rehearsals")
    rehearsed_at = models.DateTimeField()
    line_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Sent to measure the line.")
    line_milliseconds = models.PositiveIntegerField(null=True, blank=True)
    line_breaks = models.PositiveSmallIntegerField(
        default=0, help_text="How often the line broke off while it was measured."
    )
    clip_format = models.CharField(max_length=10, blank=True)
    clip_codec = models.CharField(max_length=30, blank=True)
    clip_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    clip_seconds = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    clip_width = models.PositiveIntegerField(null=True, blank=True)
    clip_height = models.PositiveIntegerField(null=True, blank=True)
    clip_has_sound = models.BooleanField(null=True, blank=True)
    clip_treatment = models.CharField(max_length=10, choices=Treatment, blank=True)
    problem = models.TextField(
        blank=True, help_text="Why the clip could not be used, as the candidate reads it."
    )

    class Meta:
        ordering = ["-rehearsed_at"]
        # A comparison with NULL is not false, and a CHECK lets it pass: so NULL is asked about first.
        constraints = [
            models.CheckConstraint(
                condition=Q(line_bytes__isnull=True, line_milliseconds__isnull=True)
                | Q(line_bytes__isnull=False, line_milliseconds__isnull=False)
                & Q(line_bytes__gt=0, line_milliseconds__gt=0),
                name="rehearsal_line_is_measured_whole",
            ),
            models.CheckConstraint(
                condition=Q(clip_format="")
                | Q(
                    clip_bytes__isnull=False,
                    clip_seconds__isnull=False,
                    clip_width__isnull=False,
                    clip_height__isnull=False,
                    clip_has_sound__isnull=False,
                    problem="",
                )
                & Q(clip_bytes__gt=0, clip_seconds__gt=0)
                & ~Q(clip_treatment=""),
                name="rehearsal_clip_is_known_whole",
            ),
            models.CheckConstraint(
                condition=Q(line_bytes__isnull=False)
                | Q(line_breaks__gt=0)
                | ~Q(clip_format="")
                | ~Q(problem=""),
                name="rehearsal_found_something_out",
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"rehearsal of {self.rehearsed_at:%Y-%m-%d}"
