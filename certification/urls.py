"""Every URL of the site, one line per app."""

from django.contrib import admin
from django.urls import include, path

from certification.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
