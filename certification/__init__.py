"""The project: settings, URLs, workers, and the kernel that every app stands on."""

from .celery import app as celery_app

__all__ = ["celery_app"]
