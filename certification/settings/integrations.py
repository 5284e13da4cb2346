"""What lies outside: mail, cache, payment providers.  Each is whole or absent, never half set."""

import os
import re

from django.core.exceptions import ImproperlyConfigured

from certification.environment import (
    DEMO,
    REHEARSAL,
    TEST,
    VAR,
    all_or_none,
    env,
    rehearsal_address,
    rehearsal_only,
    required,
)

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Coaching certification <certification@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

if TEST:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
elif DEMO and not os.environ.get("EMAIL_URL"):
    # A demo writes its mails into files, one folder, where the visitor can read them.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR / "mail")
else:
    required(
        "EMAIL_URL", why="mails go out through it, such as submission://user:password@host:587", rehearsal=""
    )
    _email = env.dj_email_url("EMAIL_URL")
    if "EMAIL_BACKEND" not in _email:
        raise ImproperlyConfigured("Correct EMAIL_URL: it starts with submission:// (TLS) or smtp://.")
    EMAIL_BACKEND = _email["EMAIL_BACKEND"]
    EMAIL_HOST = _email["EMAIL_HOST"]
    EMAIL_PORT = _email["EMAIL_PORT"]
    EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
    EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS = _email["EMAIL_USE_TLS"]
    EMAIL_USE_SSL = _email["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 20

REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

# Absent means that no file is scanned.
CLAMAV_ADDRESS = env.str("CLAMAV_ADDRESS", "")
if CLAMAV_ADDRESS and not re.fullmatch(
    r"tcp://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?!0)(?:[1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
    r"|unix:///[^\s?#]+",
    CLAMAV_ADDRESS,
):
    raise ImproperlyConfigured(
        "Correct CLAMAV_ADDRESS: it is where clamd listens, "
        "such as tcp://scanner:3310 or unix:///run/clamav/clamd.ctl."
    )

_stripe = all_or_none("card payment", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET") or {}
STRIPE_SECRET_KEY = _stripe.get("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRET = _stripe.get("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_URL = rehearsal_address("STRIPE_API_URL", default="https://api.stripe.com")
if _stripe:
    _key_kind = "test" if REHEARSAL else "live"
    if not STRIPE_SECRET_KEY.startswith((f"sk_{_key_kind}_", f"rk_{_key_kind}_")):
        raise ImproperlyConfigured(
            f"Correct STRIPE_SECRET_KEY: it starts with sk_{_key_kind}_ or rk_{_key_kind}_. "
            "A demo takes test keys, with which no money moves, and a real site takes live ones."
        )
    if not STRIPE_WEBHOOK_SECRET.startswith("whsec_"):
        raise ImproperlyConfigured(
            "Correct STRIPE_WEBHOOK_SECRET: it is the signing secret of the webhook's endpoint, whsec_…."
        )

_paypal = all_or_none("PayPal", "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID") or {}
PAYPAL_CLIENT_ID = _paypal.get("PAYPAL_CLIENT_ID", "")
PAYPAL_CLIENT_SECRET = _paypal.get("PAYPAL_CLIENT_SECRET", "")
PAYPAL_WEBHOOK_ID = _paypal.get("PAYPAL_WEBHOOK_ID", "")
# PayPal's play money has an address of its own.
PAYPAL_API_URL = rehearsal_address(
    "PAYPAL_API_URL",
    default="https://api-m.sandbox.paypal.com" if REHEARSAL else "https://api-m.paypal.com",
)

# The sandbox pays with play money, so it exists in a rehearsal only, and stands aside for a provider.
PAYMENT_SANDBOX = rehearsal_only(
    "PAYMENT_SANDBOX",
    default=REHEARSAL and not (_stripe or _paypal),
    why="people would pay a real fee with play money",
)

# The hosted pages of the providers that are on: browsers hold even the redirect after a form to the
# policy.  Who stands in for a provider shows the page where it answers.
_PAGES = {
    "https://api.stripe.com": "https://checkout.stripe.com",
    "https://api-m.paypal.com": "https://www.paypal.com",
    "https://api-m.sandbox.paypal.com": "https://www.sandbox.paypal.com",
}
_on = [url for switched, url in ((_stripe, STRIPE_API_URL), (_paypal, PAYPAL_API_URL)) if switched]
PAYMENT_PAGE_ORIGINS = [_PAGES.get(url, url) for url in _on]
