"""Addresses under which evidence is shown."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [path("media/<uuid:rendition_id>/<str:link>", views.media, name="media")]
