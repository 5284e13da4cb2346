"""Invoices, receipts and credit notes: numbered without gaps, kept as data, printed from it."""

from .issuing import issue_credit_note, issue_invoice, issue_receipt

__all__ = ["issue_credit_note", "issue_invoice", "issue_receipt"]
