"""What keeps strangers out: keys, hosts, cookies, headers, limits."""

from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from certification.environment import DEMO, REHEARSAL, TEST, env, rehearsal_secret, required

from .integrations import PAYMENT_PAGE_ORIGINS
from .programme import SITE_URL
from .storage import MEDIA_ORIGINS

DEBUG = env.bool("DEBUG", False)
if DEBUG and not REHEARSAL:
    raise ImproperlyConfigured(
        "Unset DEBUG: its error pages show private data (only a demo, ICG_DEMO=1, may set it)."
    )

SECRET_KEY = required(
    "SECRET_KEY",
    why="it signs sessions and media links; use 50 random characters",
    rehearsal=rehearsal_secret(),
)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])

_site = urlsplit(SITE_URL)
_https = _site.scheme == "https"
if not _https and not REHEARSAL:
    raise ImproperlyConfigured("Correct SITE_URL: a real site is served over https://.")

_local_hosts = ["localhost", "127.0.0.1", "[::1]"] if REHEARSAL else []
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [_site.hostname or "", *_local_hosts])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [f"{_site.scheme}://{_site.netloc}"])

# Staff and scorers need a second factor; only a demo may do without.
MFA_REQUIRED = env.bool("MFA_REQUIRED", True)
if not MFA_REQUIRED and not REHEARSAL:
    raise ImproperlyConfigured(
        "Unset MFA_REQUIRED: staff and scorers need a second factor (only a demo, ICG_DEMO=1, may not)."
    )

SECURE_SSL_REDIRECT = _https and env.bool("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Only a site behind a proxy of its own may believe the proxy's word about https and the visitor's address.
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = env.int("PROXY_COUNT", 1)

SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_SAMESITE = "Lax"
# No script reads the token from the cookie: pages carry it in their forms.
CSRF_COOKIE_HTTPONLY = True

# Nothing from third parties, nothing inline; an S3 store, when there is one, shows media and takes uploads.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", *MEDIA_ORIGINS],
        "media-src": [SELF, *MEDIA_ORIGINS],
        "connect-src": [SELF, *MEDIA_ORIGINS],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, *PAYMENT_PAGE_ORIGINS],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# A page that takes no files keeps none: a visitor could otherwise fill the disk through any form.
# The page that does take one names its own handlers, with the slot's limit in front.
FILE_UPLOAD_HANDLERS = ["certification.kernel.uploads.NoFiles"]
# Above 2.5 MB an upload waits in a file, not in memory; how large a file may be is the slot's rule.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_PERMISSIONS = 0o640

# One hash is enough work for a test; real passwords keep Django's default.
if TEST:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    ACCOUNT_RATE_LIMITS = False

if DEMO:
    # A demo's accounts share one address and sign in and out all day.
    ACCOUNT_RATE_LIMITS = False

# A constraint on lower(email) keeps addresses unique, which the check for `unique=True` cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
