"""The pages that see every app: the public ones, the dashboard, and a demo's clock."""

from django.urls import URLPattern, path

from candidates.states import AffirmationKind, PageKind

from . import views


def _text(route: str, kind: str, name: str) -> URLPattern:
    return path(route, views.public_text, {"kind": kind}, name=name)


urlpatterns = [
    _text("", PageKind.WELCOME, "home"),
    _text("process/", PageKind.JOURNEY, "process"),
    _text("requirements/", AffirmationKind.REQUIREMENTS, "requirements"),
    _text("standards/", AffirmationKind.STANDARDS, "standards"),
    _text("how-scoring-works/", PageKind.SCORING, "how_scoring_works"),
    _text("fees/", PageKind.FEES, "fees"),
    _text("questions/", PageKind.QUESTIONS, "questions"),
    _text("for-districts/", PageKind.SPONSORS, "for_districts"),
    _text("contact/", PageKind.CONTACT, "contact"),
    _text("privacy/", PageKind.PRIVACY, "privacy"),
    path("preview-text/", views.preview_text, name="preview_text"),
    path("dashboard/", views.dashboard, name="dashboard"),
]
