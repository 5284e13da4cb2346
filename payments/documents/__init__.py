"""Invoices, receipts and credit notes: numbered without gaps, kept as data, printed from it."""

from .issuing import issue_credit_note, issue_invoice, issue_receipt
from .missing import issue_missing
from .pdf import pdf_of

__all__ = ["issue_credit_note", "issue_invoice", "issue_missing", "issue_receipt", "pdf_of"]
