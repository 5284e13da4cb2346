"""A real site refuses to boot half set, with one sentence that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

REAL_SITE = {
    "SECRET_KEY": "x8Yf2nQv7Lr4Tb9Wd3Kp6Zs1Hc5Mj0Ge-x8Yf2nQv7Lr4Tb9Wd3Kp",
    "SITE_URL": "https://certification.example.org",
    "EMAIL_URL": "submission://user:password@mail.example.org:587",
    "DATABASE_URL": "postgresql://nobody@localhost/none",
    "ISSUER_ADDRESS": "12 Coach Lane",
}
BUCKETS = {
    "IDENTITY_BUCKET": "originals",
    "IDENTITY_ACCESS_KEY_ID": "key-one",
    "IDENTITY_SECRET_ACCESS_KEY": "secret-one",
    "BLIND_BUCKET": "cleaned",
    "BLIND_ACCESS_KEY_ID": "key-two",
    "BLIND_SECRET_ACCESS_KEY": "secret-two",
    "CERTIFICATES_BUCKET": "certificates",
    "CERTIFICATES_ACCESS_KEY_ID": "key-three",
    "CERTIFICATES_SECRET_ACCESS_KEY": "secret-three",
}


def boot(
    tmp_path: Path, expression: str = "settings.SITE_URL", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, with exactly these variables."""
    environment = {"PATH": os.environ["PATH"], "ICG_VAR": str(tmp_path), **variables}
    environment["DJANGO_SETTINGS_MODULE"] = "certification.settings"
    code = f"from django.conf import settings; print({expression})"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_real_site_boots(tmp_path: Path) -> None:
    """The control of the refusals below: with nothing wrong, nothing is refused."""
    answer = boot(tmp_path, "settings.DEBUG, settings.MFA_REQUIRED, settings.CLOCK_TRAVEL", **REAL_SITE)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "False True False"


def test_a_real_site_with_buckets_boots(tmp_path: Path) -> None:
    expression = "settings.STORAGES['blind']['OPTIONS']['bucket_name']"
    answer = boot(tmp_path, expression, **REAL_SITE, **BUCKETS)
    assert answer.stdout.strip() == "cleaned", answer.stderr


def test_a_demo_boots_with_nothing_set(tmp_path: Path) -> None:
    answer = boot(tmp_path, ICG_DEMO="1")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("named", "variables"),
    [
        ("SECRET_KEY", {"SECRET_KEY": ""}),
        ("SITE_URL", {"SITE_URL": ""}),
        ("SITE_URL", {"SITE_URL": "http://certification.example.org"}),
        ("EMAIL_URL", {"EMAIL_URL": ""}),
        ("EMAIL_URL", {"EMAIL_URL": "mail.example.org"}),
        ("ISSUER_ADDRESS", {"ISSUER_ADDRESS": ""}),
        ("CLOCK_TRAVEL", {"CLOCK_TRAVEL": "1"}),
        ("MFA_REQUIRED", {"MFA_REQUIRED": "0"}),
        ("DEBUG", {"DEBUG": "1"}),
        ("PROGRAMME_ZONE", {"PROGRAMME_ZONE": "America/Atlantis"}),
        ("STRIPE_WEBHOOK_SECRET", {"STRIPE_SECRET_KEY": "sk_test_1"}),
        ("PAYPAL_CLIENT_SECRET", {"PAYPAL_CLIENT_ID": "one", "PAYPAL_WEBHOOK_ID": "two"}),
        ("PAYPAL_MODE", {"PAYPAL_MODE": "both"}),
        ("IDENTITY_SECRET_ACCESS_KEY", {**BUCKETS, "IDENTITY_SECRET_ACCESS_KEY": ""}),
        ("CERTIFICATES_BUCKET", {name: value for name, value in BUCKETS.items() if "CERT" not in name}),
        ("BLIND_BUCKET", {**BUCKETS, "BLIND_BUCKET": "originals"}),
        ("BLIND_ACCESS_KEY_ID", {**BUCKETS, "BLIND_ACCESS_KEY_ID": "key-one"}),
    ],
)
def test_a_half_set_site_is_refused(tmp_path: Path, named: str, variables: dict[str, str]) -> None:
    answer = boot(tmp_path, **{**REAL_SITE, **variables})
    assert answer.returncode != 0
    last_line = answer.stderr.strip().splitlines()[-1]
    assert last_line.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert named in last_line
