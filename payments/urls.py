"""Payments' addresses.  The sandbox's page stands apart, as a provider's own page would."""

from django.urls import path

from . import views, webhooks
from .documents import views as documents
from .sponsors.urls import urlpatterns as sponsors

app_name = "payments"

urlpatterns = [
    *sponsors,
    path("sandbox/<str:reference>/", views.sandbox, name="sandbox"),
    path("webhooks/<str:gateway>/", webhooks.receive, name="webhook"),
    path("documents/<uuid:document_id>/", documents.document, name="document"),
    path("documents/link/<str:token>/", documents.document_by_link, name="document_by_link"),
    path("<uuid:order_id>/", views.order, name="order"),
    path("<uuid:order_id>/pay/", views.pay, name="pay"),
    path("<uuid:order_id>/return/", views.came_back, name="return"),
]
