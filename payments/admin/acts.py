"""What the pages of staff's acts share: who acts, and one page that asks before something is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import User
from certification.kernel.errors import Refusal


class NothingToTypeForm(forms.Form):
    """An act that is only confirmed."""


@dataclass(frozen=True, slots=True)
class Act:
    """A page that says what will happen, asks what it needs to know, and does it when it is posted.

    Attributes:
        facts: what it is about, as (name, value); a value may be safe markup.
        consequences: what will be true afterwards, a sentence each.
        button: what pressing it does, in words.
        done: what is said when it is done.
        back: where the person came from and goes on to.
        trail: the pages above, as (label, address).
    """

    title: str
    button: str
    done: str
    back: str
    trail: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, Any]] = ()
    consequences: Sequence[str] = ()
    is_final: bool = False
    hidden: Sequence[tuple[str, str]] = field(default=())


def staff_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def act_page(
    request: HttpRequest,
    page: ModelAdmin[Model],
    act: Act,
    form: forms.Form,
    do: Callable[[], object],
) -> HttpResponse:
    """Ask on a GET; on a POST whose form holds, do it once and go back.  A refusal stays on the page.

    Services are replay-safe, so a second press of the button ends where the first did.
    """
    if form.is_bound and form.is_valid():
        try:
            do()
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, act.done)
            return redirect(act.back)
    return asked(request, page, act, form)


def asked(request: HttpRequest, page: ModelAdmin[Model], act: Act, form: forms.Form) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": act.title,
        "opts": page.opts,
        "act": act,
        "form": form,
    }
    return render(request, "payments/admin/act.html", context)
