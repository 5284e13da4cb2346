"""A real site refuses to boot half set, with one sentence that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
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

STRIPE = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
PAYPAL = {"PAYPAL_CLIENT_ID": "one", "PAYPAL_CLIENT_SECRET": "two", "PAYPAL_WEBHOOK_ID": "three"}
TEST_STRIPE = {**STRIPE, "STRIPE_SECRET_KEY": "sk_test_1"}
SWITCHES = (
    "settings.PAYMENT_SANDBOX, settings.STRIPE_API_URL, settings.PAYPAL_API_URL, "
    "' '.join(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
)


def half_set(whole: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Every way to set some of the variables and not all, with the words that name the others."""
    parts = [part for size in range(1, len(whole)) for part in combinations(whole, size)]
    return [
        (
            f"Set {' and '.join(name for name in whole if name not in part)} too",
            {name: whole[name] for name in part},
        )
        for part in parts
    ]


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


@pytest.mark.parametrize("address", ["tcp://scanner:3310", "tcp://[::1]:3310", "unix:///run/clamd.ctl"])
def test_a_site_with_a_virus_scanner_boots(tmp_path: Path, address: str) -> None:
    answer = boot(tmp_path, "settings.CLAMAV_ADDRESS", **REAL_SITE, CLAMAV_ADDRESS=address)
    assert answer.stdout.strip() == address, answer.stderr


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
        *half_set(STRIPE),
        *half_set(PAYPAL),
        # Test keys take play money, which pays no real fee; a publishable key is no secret one.
        ("STRIPE_SECRET_KEY", TEST_STRIPE),
        ("STRIPE_SECRET_KEY", {**STRIPE, "STRIPE_SECRET_KEY": "rk_test_1"}),
        ("STRIPE_SECRET_KEY", {**STRIPE, "STRIPE_SECRET_KEY": "pk_live_1"}),
        ("STRIPE_WEBHOOK_SECRET", {**STRIPE, "STRIPE_WEBHOOK_SECRET": "sk_live_1"}),
        ("STRIPE_API_URL", {**STRIPE, "STRIPE_API_URL": "https://api.example.org"}),
        ("PAYPAL_API_URL", {**PAYPAL, "PAYPAL_API_URL": "https://api-m.sandbox.paypal.com"}),
        ("PAYMENT_SANDBOX", {"PAYMENT_SANDBOX": "1"}),
        ("PAYMENT_SANDBOX", {**STRIPE, **PAYPAL, "PAYMENT_SANDBOX": "1"}),
        ("IDENTITY_SECRET_ACCESS_KEY", {**BUCKETS, "IDENTITY_SECRET_ACCESS_KEY": ""}),
        ("CERTIFICATES_BUCKET", {name: value for name, value in BUCKETS.items() if "CERT" not in name}),
        ("BLIND_BUCKET", {**BUCKETS, "BLIND_BUCKET": "originals"}),
        ("BLIND_ACCESS_KEY_ID", {**BUCKETS, "BLIND_ACCESS_KEY_ID": "key-one"}),
        ("CLAMAV_ADDRESS", {"CLAMAV_ADDRESS": "scanner:3310"}),
        ("CLAMAV_ADDRESS", {"CLAMAV_ADDRESS": "tcp://scanner"}),
        ("CLAMAV_ADDRESS", {"CLAMAV_ADDRESS": "tcp://scanner:65536"}),
        ("CLAMAV_ADDRESS", {"CLAMAV_ADDRESS": "unix://clamd.ctl"}),
    ],
)
def test_a_half_set_site_is_refused(tmp_path: Path, named: str, variables: dict[str, str]) -> None:
    answer = boot(tmp_path, **{**REAL_SITE, **variables})
    assert answer.returncode != 0
    last_line = answer.stderr.strip().splitlines()[-1]
    assert last_line.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert named in last_line


@pytest.mark.parametrize(
    ("named", "variables"),
    [
        # A demo's clock travels and its visitors are strangers: no real money there.
        ("STRIPE_SECRET_KEY", STRIPE),
        ("STRIPE_API_URL", {**TEST_STRIPE, "STRIPE_API_URL": "127.0.0.1:8190"}),
        ("STRIPE_API_URL", {**TEST_STRIPE, "STRIPE_API_URL": "http://127.0.0.1:8190; script-src *"}),
        ("PAYPAL_API_URL", {**PAYPAL, "PAYPAL_API_URL": "http://127.0.0.1:8191/v2"}),
        ("STRIPE_WEBHOOK_SECRET", {"STRIPE_SECRET_KEY": "sk_test_1"}),
        ("PAYPAL_WEBHOOK_ID", {**PAYPAL, "PAYPAL_WEBHOOK_ID": ""}),
    ],
)
def test_a_demo_with_wrong_payment_variables_is_refused(
    tmp_path: Path, named: str, variables: dict[str, str]
) -> None:
    answer = boot(tmp_path, ICG_DEMO="1", **variables)
    assert answer.returncode != 0
    assert named in answer.stderr.strip().splitlines()[-1]


PAGES = {
    "a real site without providers": (
        REAL_SITE,
        "False https://api.stripe.com https://api-m.paypal.com 'self'",
    ),
    "a real site with Stripe": (
        {**REAL_SITE, **STRIPE},
        "False https://api.stripe.com https://api-m.paypal.com 'self' https://checkout.stripe.com",
    ),
    "a real site with a restricted key": (
        {**REAL_SITE, **STRIPE, "STRIPE_SECRET_KEY": "rk_live_1"},
        "False https://api.stripe.com https://api-m.paypal.com 'self' https://checkout.stripe.com",
    ),
    "a real site with PayPal": (
        {**REAL_SITE, **PAYPAL},
        "False https://api.stripe.com https://api-m.paypal.com 'self' https://www.paypal.com",
    ),
    "a demo": (
        {"ICG_DEMO": "1"},
        "True https://api.stripe.com https://api-m.sandbox.paypal.com 'self'",
    ),
    "a demo with PayPal": (
        {"ICG_DEMO": "1", **PAYPAL},
        "False https://api.stripe.com https://api-m.sandbox.paypal.com 'self' https://www.sandbox.paypal.com",
    ),
    "a demo with Stripe and the sandbox": (
        {"ICG_DEMO": "1", **TEST_STRIPE, "PAYMENT_SANDBOX": "1"},
        "True https://api.stripe.com https://api-m.sandbox.paypal.com 'self' https://checkout.stripe.com",
    ),
    "a demo with somebody in their place": (
        {
            "ICG_DEMO": "1",
            **TEST_STRIPE,
            **PAYPAL,
            "STRIPE_API_URL": "http://127.0.0.1:8190",
            "PAYPAL_API_URL": "http://127.0.0.1:8191",
        },
        "False http://127.0.0.1:8190 http://127.0.0.1:8191 'self' http://127.0.0.1:8190 http://127.0.0.1:8191",
    ),
    "a demo with an address but no provider": (
        {"ICG_DEMO": "1", "STRIPE_API_URL": "http://127.0.0.1:8190"},
        "True http://127.0.0.1:8190 https://api-m.sandbox.paypal.com 'self'",
    ),
}


@pytest.mark.parametrize("site", PAGES)
def test_which_providers_are_on_and_where_forms_may_lead(tmp_path: Path, site: str) -> None:
    """Play money in a rehearsal only; a provider's page in the policy only when the provider is on."""
    variables, expected = PAGES[site]
    answer = boot(tmp_path, SWITCHES, **variables)
    assert answer.stdout.strip() == expected, answer.stderr
