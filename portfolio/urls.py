"""Addresses of the portfolio pages."""

from __future__ import annotations

from django.urls import include, path

from . import self_assessment_views, submission_views, upload_views, views

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
    path(
        "entries/<uuid:entry_id>/self-assessment/",
        self_assessment_views.self_assessment,
        name="self_assessment",
    ),
    path("entries/<uuid:entry_id>/submit/", submission_views.submit, name="submit"),
    path(
        "entries/<uuid:entry_id>/submit/at-close/", submission_views.submit_at_close, name="submit_at_close"
    ),
    path("entries/<uuid:entry_id>/withdraw/", submission_views.withdraw, name="withdraw"),
    path("evidence/<uuid:evidence_id>/", views.original, name="original"),
    path("evidence/<uuid:evidence_id>/move/", views.move, name="move"),
    path("evidence/<uuid:evidence_id>/remove/", views.remove, name="remove"),
    path("receipts/<slug:number>/", submission_views.receipt, name="receipt"),
    path("receipts/<slug:number>/pdf/", submission_views.receipt_as_pdf, name="receipt_pdf"),
    path("receipts/<slug:number>/files/", submission_views.receipt_list, name="receipt_list"),
    path("", include("portfolio.renditions.urls")),
    path("", include("portfolio.consent.urls")),
    path("", include("portfolio.rehearsal.urls")),
    path("", include("portfolio.viewing.urls")),
    path("", include("portfolio.results.urls")),
]
