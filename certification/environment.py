"""Where values come from: the environment, and nowhere else.

Every value has a default that is safe on a laptop; secrets have none outside a demo or a test.  A
feature that is half switched on fails at boot, with one sentence naming the missing variable.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()

BASE_DIR = Path(__file__).resolve().parents[1]

# Everything the site writes by itself: database, media, mail, broker.  Relative paths start at the project.
VAR = (BASE_DIR / os.environ.get("ICG_VAR", "var")).resolve()

DEMO: bool = env.bool("ICG_DEMO", False)
TEST: bool = env.bool("ICG_TEST", False)

# A played season or a demo may travel in time and keep mail in a folder; a real site may not.
REHEARSAL = DEMO or TEST


def required(name: str, *, why: str, rehearsal: str) -> str:
    """The value of `name`, or `rehearsal` in a demo or test.

    Raises:
        ImproperlyConfigured: the variable is missing on a real site.
    """
    value = os.environ.get(name, "")
    if value:
        return value
    if REHEARSAL:
        return rehearsal
    raise ImproperlyConfigured(f"Set {name}: {why} (only a demo, ICG_DEMO=1, may do without it).")


def all_or_none(feature: str, *names: str) -> dict[str, str] | None:
    """The values of `names`, or None when none of them is set.

    Raises:
        ImproperlyConfigured: some are set and some are not.
    """
    values = {name: os.environ.get(name, "") for name in names}
    missing = [name for name, value in values.items() if not value]
    if len(missing) == len(names):
        return None
    if missing:
        present = next(name for name, value in values.items() if value)
        raise ImproperlyConfigured(
            f"Set {' and '.join(missing)} too: {feature} is switched on by {present} but incomplete."
        )
    return values


def rehearsal_only(name: str, *, default: bool, why: str) -> bool:
    """A switch that only a demo or a test may turn on.

    Raises:
        ImproperlyConfigured: it is on, and this is a real site.
    """
    value: bool = env.bool(name, default)
    if value and not REHEARSAL:
        raise ImproperlyConfigured(f"Unset {name}: {why} (only a demo, ICG_DEMO=1, may do so).")
    return value


def rehearsal_address(name: str, *, default: str) -> str:
    """Where a service answers: `default`, unless a demo or a test names somebody who stands in for it.

    Raises:
        ImproperlyConfigured: the variable is set on a real site, or is no plain address.
    """
    value = os.environ.get(name, "")
    if not value:
        return default
    if not REHEARSAL:
        raise ImproperlyConfigured(
            f"Unset {name}: keys and payments go to {default} and nowhere else "
            "(only a demo, ICG_DEMO=1, may send them elsewhere)."
        )
    if not re.fullmatch(r"https?://[^/?#\s;,'\"]+", value):
        raise ImproperlyConfigured(
            f"Correct {name}: it is an address such as http://127.0.0.1:8090, no path."
        )
    return value


def rehearsal_secret() -> str:
    """A secret key of this installation's own, kept in VAR, so that a demo's sessions outlive a restart."""
    if not REHEARSAL:
        return ""
    kept = VAR / "secret-key"
    if not kept.exists():
        VAR.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_name(f"secret-key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(60))
        try:
            os.link(fresh, kept)  # atomic, and the first of several processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return kept.read_text()
