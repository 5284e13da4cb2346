"""Pages that take one file.  Its limit stands before anything reads the body, the token included."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from certification.kernel.uploads import LimitHandler, take_files

View = Callable[..., HttpResponseBase]


def takes_a_file(max_bytes: int) -> Callable[[View], View]:
    """Let a view's POST bring files of `max_bytes` in all; the token is checked all the same."""

    def decorate(view: View) -> View:
        checked = csrf_protect(view)

        @csrf_exempt  # checked by `checked`, once the limit is in place
        @wraps(view)
        def taking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                take_files(request, LimitHandler(max_bytes))
            return checked(request, *args, **kwargs)

        return taking

    return decorate


def was_too_large(request: HttpRequest) -> bool:
    """Whether reading stopped at the limit, so that the file is missing from the form."""
    handlers = (handler for handler in request.upload_handlers if isinstance(handler, LimitHandler))
    return any(handler.exceeded for handler in handlers)
