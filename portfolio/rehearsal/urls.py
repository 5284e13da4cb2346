"""Addresses of the portfolio's rehearsal."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
