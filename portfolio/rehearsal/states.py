"""What becomes of a video like the clip of a rehearsal once it is evidence."""

from __future__ import annotations

from django.db import models


class Treatment(models.TextChoices):
    """How the copy that scorers see is made; empty while nobody knows."""

    KEPT = "kept", "kept as filmed"
    CONVERTED = "converted", "converted by us"
