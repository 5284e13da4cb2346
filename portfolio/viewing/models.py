"""Who looked at which evidence.  Source: the programme's rules, section 10."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from certification.kernel import ids


class MediaView(models.Model):
    """One look at one file through one signed link: when it began, and how often the player asked.

    Personal data: who looked, and at whose evidence.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    link = models.UUIDField(unique=True, help_text="The signed link's own number; a link is one look.")
    viewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64, help_text="Of the file that was shown.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    requests = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-first_at"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="media_view_by_subject")]
        constraints = [
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="media_view_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id}"
