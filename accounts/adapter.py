"""What a new account is, and where sign-in's own mails lead."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.forms import BaseForm
from django.http import HttpRequest

from .models import Role, User


class AccountAdapter(DefaultAccountAdapter):
    """Whoever signs up is a candidate or a sponsor.  Mails lead to the site's own address.

    They do so whatever address the request that caused them was sent to:
    anybody may ask for somebody else's password reset, and a request names its host and port itself.
    """

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        """Give a new account the role its owner chose, of the two that anybody may choose."""
        if form.cleaned_data.get("purpose") == Role.SPONSOR:
            user.role = Role.SPONSOR
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        told = {name: _on_this_site(value) for name, value in context.items()}
        site = {"name": settings.SITE_NAME, "domain": urlsplit(settings.SITE_URL).netloc}
        super().send_mail(
            template_prefix, email, {**told, "current_site": site, "site_url": settings.SITE_URL}
        )


def _on_this_site(value: Any) -> Any:
    """An address of a page of ours, beginning with SITE_URL; any other value as it is."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        return value
    asked = urlsplit(value)
    return f"{settings.SITE_URL}{asked.path}{'?' if asked.query else ''}{asked.query}"
