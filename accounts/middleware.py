"""A second factor for the roles that see other people's work."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

GetResponse = Callable[[HttpRequest], HttpResponse]


class SecondFactorMiddleware:
    """Sends staff and scorers without a second factor to set one up before anything else.

    Once a factor exists, allauth asks for it at every sign-in; a session that began without it is
    asked for it before it goes on.  Only the account pages, where a factor is set up and given, are exempt.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if settings.MFA_REQUIRED and user.is_authenticated and user.needs_mfa and not self._exempt(request):
            if not is_mfa_enabled(user):
                messages.info(request, "Your role needs a second step at sign-in. Set one up to go on.")
                return redirect("mfa_activate_totp")
            if not any(record.get("method") == "mfa" for record in get_authentication_records(request, user)):
                return redirect(
                    f"{reverse('mfa_reauthenticate')}?{urlencode({'next': request.get_full_path()})}"
                )
        return self.get_response(request)

    @staticmethod
    def _exempt(request: HttpRequest) -> bool:
        return request.path.startswith((reverse("account_login").removesuffix("login/"), settings.STATIC_URL))
