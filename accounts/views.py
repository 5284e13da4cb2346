"""A person's own account page; sign-in, password, e-mail and second step are allauth's pages."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from . import services
from .forms import ProfileForm
from .models import User


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name and time zone."""
    account = cast("User", request.user)  # visitors were sent to sign in
    form = ProfileForm(
        request.POST or None, initial={"full_name": account.full_name, "timezone": account.timezone}
    )
    if request.method == "POST" and form.is_valid():
        services.save_profile(account=account, **form.cleaned_data)
        messages.success(request, "Your profile is saved.")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form})
