"""Addresses of what is made of evidence: its preview, its captions, and each rendition's lasting address."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("evidence/<uuid:evidence_id>/preview/", views.preview, name="preview"),
    path("evidence/<uuid:evidence_id>/captions/", views.captions, name="captions"),
    path("evidence/<uuid:evidence_id>/captions/remove/", views.take_captions_away, name="take_captions_away"),
    path("renditions/<uuid:rendition_id>/", views.rendition, name="rendition"),
]
