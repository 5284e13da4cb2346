"""PostgreSQL, always: DATABASE_URL, or the embedded server that manage.py and script/server start."""

from typing import Any
from urllib.parse import quote

from certification.environment import TEST, VAR, env

_embedded_url = f"postgresql://postgres@{quote(str(VAR / 'postgres'), safe='')}/icg"

_default: dict[str, Any] = env.dj_db_url(
    "DATABASE_URL", _embedded_url, conn_max_age=0 if TEST else 60, conn_health_checks=True
)
_default["ATOMIC_REQUESTS"] = False  # services open their own transactions, around their own locks
_default["TEST"] = {"NAME": env.str("ICG_TEST_DATABASE", "test_icg")}

DATABASES = {"default": _default}

# The role a scorer's request is lowered to; migrations create it and grant it the scoring tables.
BLIND_ROLE = env.str("BLIND_ROLE", "icg_blind")
