"""Middleware of the kernel."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .errors import Refusal

GetResponse = Callable[[HttpRequest], HttpResponse]


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
