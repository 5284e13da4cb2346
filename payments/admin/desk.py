"""The payments desk: how the money stands, and what waits, each line leading to where it is done."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from certification.kernel import clock
from payments.desk import LOST_TOLD_FOR, UNKNOWN_TOLD_FOR, Amount, Desk, Waiting, desk
from payments.models import Order
from payments.notices import REMINDER_KEYS


@dataclass(frozen=True, slots=True)
class Tile:
    """What waits, in a number and its money; `standing` is the class that gives the tile its colour."""

    label: str
    count: int
    amounts: tuple[Amount, ...]
    anchor: str
    standing: str


def desk_page(request: HttpRequest, page: ModelAdmin[Order]) -> HttpResponse:
    now = clock.now()
    found = desk(now)
    context = {
        **page.admin_site.each_context(request),
        "title": "Payments desk",
        "opts": page.opts,
        "desk": found,
        "tiles": _tiles(found),
        "now": now,
        "lists": {
            "to_decide": _list("purchaseorder", "state__exact=requested"),
            "asked_back": _list("purchaseorder", "state__exact=asked_back"),
            "overdue": _list("purchaseorder", "due=overdue"),
            "to_return": _list("moneytoreturn", "standing=open"),
            "disputes": _list("dispute", "state__exact=open"),
            "lost": _list(
                "dispute", urlencode({"state__exact": "lost", "closed_at__gte": now - LOST_TOLD_FOR})
            ),
            "unhandled": _list("webhookevent", "standing=waiting"),
            "unknown": _list(
                "webhookevent",
                urlencode({"standing": "unknown", "received_at__gte": now - UNKNOWN_TOLD_FOR}),
            ),
            "checking": _list("order", "state__exact=checking"),
        },
        "mails": reverse("admin:kernel_outboxmessage_changelist") + f"?{urlencode({'q': REMINDER_KEYS})}",
    }
    return render(request, "payments/admin/desk.html", context)


def _tiles(found: Desk) -> tuple[Tile, ...]:
    return (
        _tile("Purchase orders to decide", found.to_decide, "decide", "is-waiting"),
        _tile("Disputes to answer", found.disputes, "disputes", "is-urgent"),
        _tile("Money to return", found.to_return, "return", "is-urgent"),
        _tile("Overdue invoices", found.overdue, "overdue", "is-urgent"),
        _tile("Asked back", found.asked_back, "asked", "is-told"),
        _tile("Disputes lost lately", found.lost, "disputes", "is-told"),
        _tile("Payments being checked", found.checking, "checking", "is-told"),
        _tile("Messages not handled yet", found.unhandled, "messages", "is-told"),
        _tile("Messages about nothing of ours", found.unknown, "messages", "is-told"),
    )


def _tile(label: str, waiting: Waiting, anchor: str, standing: str) -> Tile:
    return Tile(label, waiting.count, waiting.amounts, f"#{anchor}", standing if waiting.count else "is-done")


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:payments_{model}_changelist')}?{query}"
