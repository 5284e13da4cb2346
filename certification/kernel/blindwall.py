"""The blind wall's database layer.

A scorer's request runs in a transaction under a PostgreSQL role that is granted the scoring tables
and nothing else, so a view that reaches for a name is refused by the database, whatever its code says.
Row-level security narrows that further: a scorer sees the assignments, drafts and marks of one scorer.
Source: the programme's rules, section 7; ADR 0002.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse

View = Callable[..., HttpResponseBase]


@contextmanager
def blinded(scorer_id: UUID | None) -> Iterator[None]:
    """Lower the database role for the block; the end of its transaction raises it again.

    `scorer_id` is who the row-level policies let the block see; None sees no scorer's rows.
    """
    with transaction.atomic(durable=not connection.in_atomic_block):
        before = _standing()
        _stand(settings.BLIND_ROLE, str(scorer_id or ""))
        yield
        # Only reached without an error; after one, the rollback restores role and setting.
        _stand(*before)


def _standing() -> tuple[str, str]:
    """The role and the scorer this transaction stands under; a wall inside a wall falls back to the outer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role'), current_setting('icg.scorer', true)")
        role, scorer = cursor.fetchone() or ("none", "")
    return role, scorer or ""


def _stand(role: str, scorer: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('icg.scorer', %s, true), set_config('role', %s, true)", [scorer, role]
        )


def blind_view(scorer_of: Callable[[Any], UUID | None]) -> Callable[[View], View]:
    """Run a view, and the rendering of its template, behind the wall.

    Args:
        scorer_of: gives the scorer's id for the signed-in account.  It is called, and the account
            loaded, before the role is lowered, because afterwards the account cannot be read.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def behind_the_wall(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            scorer_id = scorer_of(request.user)
            with blinded(scorer_id):
                request.scorer_id = scorer_id  # type: ignore[attr-defined]
                response = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                    response.render()
            return response

        behind_the_wall.is_blind = True  # type: ignore[attr-defined]
        return behind_the_wall

    return decorate
