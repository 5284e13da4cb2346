"""What visitors may read: how to register, and the texts that candidates affirm."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.models import Role, User
from certification.kernel import clock

from . import pages
from .models import PolicyDocument


@login_not_required
@require_safe
def register(request: HttpRequest) -> HttpResponse:
    """The way in: what registering asks for, and where this account stands."""
    account = request.user if isinstance(request.user, User) else None
    if account is not None and account.role != Role.CANDIDATE:
        return render(request, "candidates/other_account.html", status=403)
    return render(request, "candidates/register.html", {"page": pages.register_page(account, clock.now())})


@login_not_required
@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    """What is affirmed, and the words of the public pages, each in its newest version."""
    return render(request, "candidates/documents.html", {"page": pages.documents_page()})


@login_not_required
@require_safe
def latest_document(request: HttpRequest, kind: str) -> HttpResponse:
    newest = PolicyDocument.objects.filter(kind=kind).order_by("-version").first()
    if newest is None:
        raise Http404
    return redirect("candidates:document", kind, newest.version)


@login_not_required
@require_safe
def document(request: HttpRequest, kind: str, version: int) -> HttpResponse:
    """One version of one text, as it was published."""
    page = pages.document_page(kind, version)
    if page is None:
        raise Http404
    return render(request, "candidates/document.html", {"page": page})
