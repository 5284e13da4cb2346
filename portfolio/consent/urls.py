"""Addresses of the portfolio's consent."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
