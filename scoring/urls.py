"""The scorers' addresses: all of them behind the wall."""

from django.urls import path

from . import views

app_name = "scoring"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("packets/<slug:code>/", views.packet, name="packet"),
    path("packets/<slug:code>/save/", views.save, name="save"),
    path("packets/<slug:code>/recuse/", views.recuse, name="recuse"),
    path("packets/<slug:code>/files/<uuid:file_id>", views.file, name="file"),
    path("packets/<slug:code>/files/<uuid:file_id>/<str:link>", views.shown, name="shown"),
]
