"""The scorers' site, and views that no site should have: they reach for what the wall keeps back."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from accounts.access import require_role
from accounts.models import Role
from certification.kernel.blindwall import blind_view
from scoring import services


def reach(request: HttpRequest, model: str) -> HttpResponse:
    """How many rows of a model this request can read."""
    return JsonResponse({"rows": len(list(apps.get_model(model).objects.order_by().values()))})


def run(request: HttpRequest) -> HttpResponse:
    """Run the request's SQL: what a view could do at worst."""
    with connection.cursor() as cursor:
        cursor.execute(request.POST["sql"])
        rows = cursor.fetchall() if cursor.description else []
        return JsonResponse(
            {"changed": cursor.rowcount, "rows": [[str(cell) for cell in row] for row in rows]}
        )


def behind(view):
    return require_role(Role.SCORER, Role.LEAD_SCORER)(blind_view(services.scorer_of)(view))


urlpatterns = [
    # Where the error pages lead to.
    path("", include("certification.pages.urls")),
    path("scoring/", include("scoring.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("behind/reach/<str:model>/", behind(reach), name="behind_reach"),
    path("behind/run/", behind(run), name="behind_run"),
    path("open/reach/<str:model>/", reach, name="open_reach"),
    path("open/run/", run, name="open_run"),
]
