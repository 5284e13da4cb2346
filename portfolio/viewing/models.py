"""Who looked at which evidence.  Source: the programme's rules, section 10."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from certification.kernel import ids
from certification.kernel.states import frozen_fields

from ..renditions.models import RenditionKind


class MediaView(models.Model):
    """One look at one file through one signed link: when it began, and how often the player asked.

    What is drawn anew replaces the file's row, so the evidence is named here as well.  Only the count and
    the last instant change; a look is never removed.

    Personal data: who looked, and at whose evidence.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    link = models.UUIDField(unique=True, help_text="The signed link's own number; a link is one look.")
    viewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    evidence = models.ForeignKey(
        "portfolio.Evidence",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty for a look from before this was noted, at a file that was drawn anew since.",
    )
    kind = models.CharField(max_length=10, choices=RenditionKind, blank=True)
    sha256 = models.CharField(max_length=64, help_text="Of the file that was shown.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    requests = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-first_at"]
        indexes = [models.Index(fields=["first_at"], name="media_view_by_first_at")]
        constraints = [
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="media_view_in_order")
        ]
        triggers = [
            *frozen_fields(
                "link", "viewer", "subject_type", "subject_id", "evidence", "kind", "sha256", "first_at"
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id}"
