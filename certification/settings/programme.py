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

# Who asks for the money.  Every invoice and receipt keeps what these say on the day it is issued, and
# cannot be corrected, so a real site does not begin without an address.  A line break may be written \n.
ISSUER_NAME = env.str("ISSUER_NAME", "Instructional Coaching Group")
ISSUER_ADDRESS = required(
    "ISSUER_ADDRESS",
    why="invoices and receipts carry the address of whoever issues them",
    rehearsal="1 Rehearsal Road\nExampleville, ST 00000\nUnited States",
).replace(r"\n", "\n")
ISSUER_TAX_ID = env.str("ISSUER_TAX_ID", "")
ISSUER_BANK_DETAILS = env.str("ISSUER_BANK_DETAILS", "").replace(r"\n", "\n")
