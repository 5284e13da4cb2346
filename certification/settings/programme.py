"""The programme's own values that are not data: its zone, its clock, its name, its address."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

from certification.environment import REHEARSAL, env, rehearsal_only, required

# Every date of the calendar is a civil time in this zone.  Source: the programme's rules, section 2.
PROGRAMME_ZONE = env.str("PROGRAMME_ZONE", "America/Chicago")
try:
    ZoneInfo(PROGRAMME_ZONE)
except (ZoneInfoNotFoundError, ValueError) as unknown:
    raise ImproperlyConfigured(
        f"Correct PROGRAMME_ZONE: {PROGRAMME_ZONE!r} is not a time zone name such as America/Chicago."
    ) from unknown
TIME_ZONE = PROGRAMME_ZONE

CLOCK_TRAVEL = rehearsal_only(
    "CLOCK_TRAVEL", default=REHEARSAL, why="the clock of a real programme does not travel"
)

SITE_NAME = env.str("SITE_NAME", "Coaching certification")
SITE_URL = required(
    "SITE_URL",
    why="links in mails and on certificates start with it, such as https://certification.example.org",
    rehearsal=f"http://127.0.0.1:{env.int('PORT', 8000)}",
).rstrip("/")
CONTACT_EMAIL = env.str("CONTACT_EMAIL", "certification@instructionalcoaching.com")
