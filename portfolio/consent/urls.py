"""Addresses of the consent ledger."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("entries/<uuid:entry_id>/consent/", views.consent, name="consent"),
    path("entries/<uuid:entry_id>/consent/forms/", views.add_form, name="add_release_form"),
    path(
        "entries/<uuid:entry_id>/consent/forms/<uuid:form_id>/remove/",
        views.remove_form,
        name="remove_release_form",
    ),
    path("evidence/<uuid:evidence_id>/people/", views.add_person, name="add_person"),
    path("evidence/<uuid:evidence_id>/people/nobody/", views.nobody, name="nobody_seen"),
    path("evidence/<uuid:evidence_id>/people/copy/", views.copy, name="copy_people"),
    path("people/<uuid:person_id>/", views.person, name="person"),
    path("people/<uuid:person_id>/remove/", views.remove_person, name="remove_person"),
    path("release-forms/<uuid:form_id>/", views.release_form, name="release_form"),
]
