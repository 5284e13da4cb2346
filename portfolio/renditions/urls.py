"""Addresses of the portfolio's renditions."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
