"""Receipts: what was handed in and when, kept as data, shown and printed from it."""

from .issuing import canonical, issue, manifest_digest

__all__ = ["canonical", "issue", "manifest_digest"]
