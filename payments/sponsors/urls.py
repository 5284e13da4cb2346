"""The addresses of sponsors, of purchase orders and of the places they pay for."""

from django.urls import path

from . import views

urlpatterns = [
    path("seats/<str:code>/", views.seat, name="seat"),
    path("sponsor/<uuid:purchase_order_id>/", views.seats, name="seats"),
]
