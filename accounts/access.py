"""Who may open a page: one decorator, deny by default."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase

from .models import Role

View = Callable[..., HttpResponseBase]


def require_role(*roles: Role) -> Callable[[View], View]:
    """Let only accounts of `roles` in; others get the same 404 as a page that does not exist.

    Visitors never come here: the login middleware has sent them to sign in.
    """
    allowed = frozenset(roles)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_anonymous or request.user.role not in allowed:
                raise Http404
            return view(request, *args, **kwargs)

        guarded.roles = allowed  # type: ignore[attr-defined]
        return guarded

    return decorate
