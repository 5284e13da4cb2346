"""Addresses of the portfolio pages."""

from __future__ import annotations

from django.urls import include, path

from . import upload_views, views

app_name = "portfolio"

urlpatterns = [
    path("", views.entries, name="entries"),
    path("directions/", views.frameworks, name="frameworks"),
    path("directions/<slug:slug>/", views.directions, name="directions"),
    path("begin/<slug:key>/", views.begin, name="begin"),
    path("entries/<uuid:entry_id>/", views.entry, name="entry"),
    path("entries/<uuid:entry_id>/slots/<slug:slot_key>/", views.upload, name="upload"),
    path(
        "entries/<uuid:entry_id>/slots/<slug:slot_key>/uploads/sign/",
        upload_views.sign,
        name="sign_upload",
    ),
    path("uploads/<uuid:upload_id>/", upload_views.multipart, name="multipart"),
    path("uploads/<uuid:upload_id>/state/", upload_views.state, name="upload_state"),
    path("uploads/<uuid:upload_id>/parts/<int:part_number>/", upload_views.part, name="upload_part"),
    path("entries/<uuid:entry_id>/standing/", views.standing, name="standing"),
    path("entries/<uuid:entry_id>/submit/", views.submit, name="submit"),
    path("entries/<uuid:entry_id>/withdraw/", views.withdraw, name="withdraw"),
    path("evidence/<uuid:evidence_id>/", views.original, name="original"),
    path("evidence/<uuid:evidence_id>/move/", views.move, name="move"),
    path("evidence/<uuid:evidence_id>/remove/", views.remove, name="remove"),
    path("receipts/<slug:number>/", views.receipt, name="receipt"),
    path("", include("portfolio.renditions.urls")),
    path("", include("portfolio.consent.urls")),
    path("", include("portfolio.rehearsal.urls")),
    path("", include("portfolio.viewing.urls")),
    path("", include("portfolio.results.urls")),
]
