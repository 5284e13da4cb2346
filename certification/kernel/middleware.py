"""Middleware of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_cache_control

from .errors import Refusal

GetResponse = Callable[[HttpRequest], HttpResponse]


class NulMiddleware:
    """Refuses an address or a cookie with a NUL in it: no text in PostgreSQL can hold one.

    Forms say so beside their field; these parts of a request reach the database without a form.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        parts = (request.path_info, *request.COOKIES.values(), *_values(request.GET))
        if any("\0" in part for part in parts):
            raise BadRequest("NUL in an address or a cookie")
        return self.get_response(request)


def _values(query: QueryDict) -> Iterator[str]:
    for name, values in query.lists():
        yield name
        yield from values


class PrivatePagesMiddleware:
    """Keeps what a signed-in person saw out of every cache: the next one at a shared computer may go back."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = request.user.is_authenticated  # asked before the view, which may sign out
        response = self.get_response(request)
        if signed_in and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        return response


class RefusalMiddleware:
    """Turns a refusal that no view caught into a page with its sentence, never a traceback."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        return render(request, "refused.html", {"refusal": exception}, status=409)
