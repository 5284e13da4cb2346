"""Payments' addresses.  The sandbox's page stands apart, as a provider's own page would."""

from django.urls import path

from . import views, webhooks
from .sponsors.urls import urlpatterns as sponsors

app_name = "payments"

urlpatterns = [
    *sponsors,
    path("sandbox/<str:reference>/", views.sandbox, name="sandbox"),
    path("webhooks/<str:gateway>/", webhooks.receive, name="webhook"),
    path("<uuid:order_id>/", views.order, name="order"),
    path("<uuid:order_id>/pay/", views.pay, name="pay"),
    path("<uuid:order_id>/return/", views.came_back, name="return"),
]
