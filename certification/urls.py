"""Every URL of the site, one line per app."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from certification.health import healthz

handler500 = "certification.pages.views.failed"

urlpatterns = [
    path("", include("certification.pages.urls")),
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("candidates.urls")),
    path("payments/", include("payments.urls")),
    path("portfolio/", include("portfolio.urls")),
    path("scoring/", include("scoring.urls")),
    path("", include("certificates.urls")),
]
if settings.CLOCK_TRAVEL:
    urlpatterns.append(path("demo/", include("certification.pages.demo_urls")))
