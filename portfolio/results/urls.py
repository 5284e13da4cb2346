"""Addresses of the results pages; part of the portfolio's."""

from django.urls import path

from . import views

urlpatterns = [
    path("results/<uuid:candidacy_id>/<int:year>/", views.results, name="results"),
    path("reports/<uuid:entry_id>/", views.report, name="report"),
]
