"""The consent ledger beside an entry in the administration: read, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User

from ..models import Entry
from .ledger import PersonLine, VideoLine, ledger_of
from .views import form_response

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Entry]
else:
    _Base = object


class ConsentBesideEntry(_Base):
    """For the administration of entries: who is seen in its videos."""

    def get_urls(self) -> list[URLPattern]:
        form = path(
            "release-form/<uuid:form_id>/",
            self.admin_site.admin_view(self.release_form),
            name="portfolio_release_form",
        )
        return [form, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Entry | None = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), "consent"]

    @admin.display(description="consent")
    def consent(self, entry: Entry) -> str:
        """Every video with its people, their forms and what is lacking."""
        videos = ledger_of(entry).videos
        if not videos:
            return "No video"
        return format_html(
            "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((_video(one),) for one in videos))
        )

    def release_form(self, request: HttpRequest, form_id: UUID) -> HttpResponseBase:
        assert isinstance(request.user, User)
        return form_response(request, request.user, form_id)


def _video(video: VideoLine) -> SafeString:
    if not video.people:
        said = "nobody can be recognised" if video.nobody else "nothing is recorded"
        return format_html("{}: {}", video.name, said)
    people = format_html_join(mark_safe("<br>"), "{}", ((_person(line),) for line in video.people))
    return format_html("{}<br>{}", video.name, people)


def _person(line: PersonLine) -> SafeString:
    seen = line.seen
    form: str = "no form"
    if line.form_id:
        url = reverse("admin:portfolio_release_form", args=[line.form_id])
        form = format_html('<a href="{}">{}</a>', url, seen.form)
    return format_html(
        "{}{}: {}; for {}; until {}{}",
        seen.who,
        " (minors)" if seen.minors else "",
        form,
        line.uses,
        seen.until_on or "no end",
        f". Lacking: {line.lacks}" if line.lacks else "",
    )
