"""Registration, step by step, and the public texts."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from . import public_views, views


class VersionConverter(IntConverter):
    """A version number that the database can hold."""

    regex = "[0-9]{1,4}"


register_converter(VersionConverter, "version")

app_name = "candidates"

urlpatterns = [
    path("register/", public_views.register, name="register"),
    path("register/start/<uuid:cohort_id>/", views.start, name="start"),
    path("register/<uuid:registration_id>/", views.resume, name="resume"),
    path("register/<uuid:registration_id>/about/", views.about, name="about"),
    path("register/<uuid:registration_id>/your-work/", views.work, name="work"),
    path("register/<uuid:registration_id>/advisory/", views.advisory, name="advisory"),
    path("register/<uuid:registration_id>/affirm/", views.affirm, name="affirm"),
    path("register/<uuid:registration_id>/review/", views.review, name="review"),
    path("register/<uuid:registration_id>/outcome/", views.outcome, name="outcome"),
    path("register/<uuid:registration_id>/reopen/", views.reopen, name="reopen"),
    path("register/<uuid:registration_id>/reminder/", views.reminder, name="reminder"),
    path("documents/", public_views.documents, name="documents"),
    path("documents/<slug:kind>/", public_views.latest_document, name="latest_document"),
    path("documents/<slug:kind>/<version:version>/", public_views.document, name="document"),
]
