"""How a list of the administration finds what is a candidate's: by name, e-mail address or number."""

from __future__ import annotations


def of_candidate(candidacy: str) -> tuple[str, ...]:
    """The fields to search where `candidacy` is the way from the list's rows to the candidacy."""
    return tuple(
        f"{candidacy}__{field}" for field in ("number", "registration__name_on_certificate", "account__email")
    )
