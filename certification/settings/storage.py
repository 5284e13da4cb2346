"""Where files live: four stores, apart from one another.

On local disk by default; in S3-compatible buckets when they are named.  The blind store holds what
scorers may see and has its own bucket and its own credentials, so that neither key opens the other.
"""

import os
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from certification.environment import BASE_DIR, TEST, VAR, all_or_none, env

MEDIA_ROOT = VAR / "media"
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", VAR / "static")
STATICFILES_DIRS = [BASE_DIR / "static" / "dist", BASE_DIR / "static" / "img"]

_S3_ENDPOINT = env.str("S3_ENDPOINT_URL", "")
_S3_REGION = env.str("S3_REGION", "us-east-1")
if _S3_ENDPOINT:
    # Providers other than AWS send the digest of a whole object with a range of it, or none at all.
    for _direction in ("REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION"):
        os.environ.setdefault(f"AWS_{_direction}", "when_required")


def _bucket_names(store: str) -> dict[str, str] | None:
    return all_or_none(
        f"the {store.lower()} bucket",
        f"{store}_BUCKET",
        f"{store}_ACCESS_KEY_ID",
        f"{store}_SECRET_ACCESS_KEY",
    )


_buckets = {store: _bucket_names(store) for store in ("IDENTITY", "BLIND", "CERTIFICATES")}
_on_disk = [store for store, bucket in _buckets.items() if bucket is None]
if _on_disk and len(_on_disk) < len(_buckets):
    raise ImproperlyConfigured(
        f"Set {_on_disk[0]}_BUCKET too: with some files in buckets, none may stay on the web server's disk."
    )
for _part in ("BUCKET", "ACCESS_KEY_ID"):
    _values = [bucket[f"{store}_{_part}"] for store, bucket in _buckets.items() if bucket]
    if _buckets["IDENTITY"] and _values[0] == _values[1]:
        raise ImproperlyConfigured(
            f"Change BLIND_{_part}: it equals IDENTITY_{_part}, but the blind store stands apart."
        )


def _store(name: str) -> dict[str, Any]:
    bucket = _buckets[name]
    if bucket is None:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            # No base_url: a stored file is reached through a view that checks and logs, or not at all.
            "OPTIONS": {"location": str(MEDIA_ROOT / name.lower()), "base_url": None},
        }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket[f"{name}_BUCKET"],
            "access_key": bucket[f"{name}_ACCESS_KEY_ID"],
            "secret_key": bucket[f"{name}_SECRET_ACCESS_KEY"],
            "endpoint_url": _S3_ENDPOINT or None,
            "region_name": _S3_REGION,
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
            "querystring_expire": 300,
            "signature_version": "s3v4",
            # A file that is read waits in a temporary file, not in memory: it may have gigabytes.
            "max_memory_size": 2 * 1024 * 1024,
        },
    }


# Hashed names for everyone but the tests, which serve files straight from the finders.
_static_backend = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if TEST
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)

STORAGES = {
    "default": _store("IDENTITY"),
    "identity": _store("IDENTITY"),
    "blind": _store("BLIND"),
    "certificates": _store("CERTIFICATES"),
    "staticfiles": {"BACKEND": _static_backend},
}
WHITENOISE_USE_FINDERS = TEST
WHITENOISE_AUTOREFRESH = TEST


def _origins() -> list[str]:
    """Where the browser may fetch media from and send uploads to, besides this site."""
    if _on_disk:
        return []
    if _S3_ENDPOINT:
        endpoint = urlsplit(_S3_ENDPOINT)
        return [f"{endpoint.scheme}://{endpoint.netloc}"]
    names = {bucket[f"{store}_BUCKET"] for store, bucket in _buckets.items() if bucket}
    hosts = {f"https://{name}.s3.amazonaws.com" for name in names}
    return sorted(hosts | {f"https://{name}.s3.{_S3_REGION}.amazonaws.com" for name in names})


MEDIA_ORIGINS = _origins()
