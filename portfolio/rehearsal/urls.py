"""Addresses of the portfolio's rehearsal."""

from __future__ import annotations

from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("rehearsal/", views.rehearsal, name="rehearsal"),
    path("rehearsal/trial/", views.begin_trial, name="rehearsal_trial"),
    path("rehearsal/line/", views.line, name="rehearsal_line"),
    path("rehearsal/line/<uuid:trial_id>/<int:length>/", views.piece, name="rehearsal_piece"),
    path("rehearsal/clip/", views.clip, name="rehearsal_clip"),
]
