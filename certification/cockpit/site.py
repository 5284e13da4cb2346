"""The staff's side of the site: Django's admin, entered through the site's own sign-in."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator

from certification.kernel import clock


class CertificationAdminSite(AdminSite):
    """Staff only.  Sign-in goes through allauth with its second factor, never around it."""

    site_header = "Coaching certification"
    site_title = "Administration"
    index_title = "Season cockpit"
    index_template = "admin/cockpit.html"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_authenticated and request.user.is_staff

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), reverse("account_login"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from .selectors import cockpit

        return super().index(request, {"cockpit": cockpit(clock.now()), **(extra_context or {})})

    def password_change(  # type: ignore[override]  # a redirect is no template's response
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send staff to the site's own page, which asks for the second step and writes a mail."""
        return redirect("account_change_password")
