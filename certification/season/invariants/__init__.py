"""What must be true of a played season, whatever happened in it.

Each invariant looks at rows and files, counts what it looked at, and writes down what is wrong.  One
that looked at nothing has shown nothing, and counts as broken.
"""

from . import candidacies, scoring, site
from .judging import Played, Verdict, judge

__all__ = ["Played", "Verdict", "candidacies", "judge", "scoring", "site"]
