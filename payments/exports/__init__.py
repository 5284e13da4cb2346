"""Lists for the accountant: CSV, row by row, safe to open in a spreadsheet, and on record."""

from .lists import EXPORTS, named
from .streams import Export, Period, Written, begin

__all__ = ["EXPORTS", "Export", "Period", "Written", "begin", "named"]
