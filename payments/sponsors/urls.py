"""The addresses of sponsors, of purchase orders and of the seats they pay for."""

from django.urls import path

from . import claims, sending, views

urlpatterns = [
    path("sponsor/", views.sponsor, name="sponsor"),
    path("sponsor/request/", views.request_seats, name="request_seats"),
    path("sponsor/<uuid:purchase_order_id>/", views.purchase_order, name="sponsor_purchase_order"),
    path("sponsor/<uuid:purchase_order_id>/roster/", views.roster, name="roster"),
    path("sponsor/seats/<uuid:seat_id>/", views.name_seat, name="name_seat"),
    path("seats/<str:code>/", claims.seat, name="seat"),
    path("<uuid:order_id>/seat/", claims.claim, name="claim"),
    path("<uuid:order_id>/seat/give-back/", claims.give_back, name="give_back"),
    path("<uuid:order_id>/purchase-order/", sending.purchase_order, name="purchase_order"),
    path("purchase-orders/<uuid:purchase_order_id>/correct/", sending.correct, name="correct"),
    path("purchase-orders/files/<uuid:file_id>/", sending.file, name="purchase_order_file"),
]
