"""Every URL of the site, one line per app."""

from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from certification.health import healthz

urlpatterns = [
    path("", include("certification.pages.urls")),
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
# Prefixless: each app's urls.py states its own namespace; its routes start with the app's path.
for app, prefix in (
    ("candidates", ""),
    ("payments", "payments/"),
    ("portfolio", "portfolio/"),
    ("scoring", "scoring/"),
    ("certificates", ""),
):
    if find_spec(f"{app}.urls"):
        urlpatterns.append(path(prefix, include(f"{app}.urls")))
if settings.CLOCK_TRAVEL:
    urlpatterns.append(path("demo/", include("certification.pages.demo_urls")))
