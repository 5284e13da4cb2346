"""What lies outside: mail, cache, payment providers.  Each is whole or absent, never half set."""

import os

from django.core.exceptions import ImproperlyConfigured

from certification.environment import DEMO, REHEARSAL, TEST, VAR, all_or_none, env, required

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

# The sandbox pays with play money, so it exists in a rehearsal only.
PAYMENT_SANDBOX = REHEARSAL

_stripe = all_or_none("card payment", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET") or {}
STRIPE_SECRET_KEY = _stripe.get("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRET = _stripe.get("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_URL = env.str("STRIPE_API_URL", "https://api.stripe.com")

_paypal = all_or_none("PayPal", "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID") or {}
PAYPAL_CLIENT_ID = _paypal.get("PAYPAL_CLIENT_ID", "")
PAYPAL_CLIENT_SECRET = _paypal.get("PAYPAL_CLIENT_SECRET", "")
PAYPAL_WEBHOOK_ID = _paypal.get("PAYPAL_WEBHOOK_ID", "")
PAYPAL_MODE = env.str("PAYPAL_MODE", "live" if _paypal and not REHEARSAL else "sandbox")
if PAYPAL_MODE not in ("sandbox", "live"):
    raise ImproperlyConfigured(f"Correct PAYPAL_MODE: {PAYPAL_MODE!r} is neither sandbox nor live.")
