"""A roster as a spreadsheet saves it: who is to have a seat, row by row, or what is wrong with each row.

A plain function from bytes to rows: it touches no database, and what it refuses it refuses as a whole.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from certification.kernel.errors import BadInput
from certification.kernel.names import validate_name, without_unprinted

from .offers import LARGEST_REQUEST

MAX_BYTES = 1024 * 1024
# Nobody mends more rows at one sitting; the rest is counted.
LISTED_PROBLEMS = 20
NAME_LENGTH = 150
EMAIL_LENGTH = 254

_AS_CSV = "Save it as “CSV UTF-8 (comma delimited)” and upload it again."
_DELIMITERS = ",;\t"
_HEADERS = {
    "name": {"name", "fullname", "coach", "candidate"},
    "email": {"email", "emailaddress", "mail"},
}


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person of a roster; `number` is the row in the spreadsheet, whose first holds the headings."""

    number: int
    name: str
    email: str


def read(content: bytes) -> tuple[RosterRow, ...]:
    """The people a file names.  Rows without any text are passed over.

    Raises:
        BadInput: it is no text, has no headings, names nobody, names too many, or some rows are wrong;
            `details` has a sentence for each wrong row, the first of them if there are many.
    """
    text = _text_of(content)
    delimiter, name_at, email_at = _columns(text)
    rows = [
        (number, cells)
        for number, cells in _below_headings(text, delimiter)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise BadInput("The file has headings and nobody below them. Add a row for each person.")
    if len(rows) > LARGEST_REQUEST:
        raise BadInput(
            f"The file names {len(rows):,} people, and one purchase order has at most {LARGEST_REQUEST} "
            "seats. Check that it is the right file."
        )
    problems: list[str] = []
    seen: dict[str, int] = {}
    people = []
    for number, cells in rows:
        row = RosterRow(number, _cell(cells, name_at), _cell(cells, email_at))
        problem = problem_of(row.name, row.email) or _repeated(row, seen)
        seen.setdefault(row.email.lower(), number)
        people.append(row)
        if problem:
            problems.append(f"Row {number}: {problem}")
    refuse(problems)
    return tuple(people)


def problem_of(name: str, email: str) -> str:
    """What is wrong with one person's name or address, and how to mend it; empty when nothing is."""
    if not name:
        return "the name is missing. Write the person’s full name."
    if len(name) > NAME_LENGTH:
        return f"the name has {len(name):,} characters. Write at most {NAME_LENGTH}."
    try:
        validate_name(name)
    except ValidationError:
        return "the name holds a character that cannot be printed. Type it by hand instead of pasting it."
    if not email:
        return "the e-mail address is missing. Write the one the person reads."
    try:
        validate_email(email)
    except ValidationError:
        return f"{_quoted(email)} is no e-mail address. Write it like coach@school.example."
    if len(email) > EMAIL_LENGTH:
        return f"the e-mail address has {len(email):,} characters. Write at most {EMAIL_LENGTH}."
    return ""


def tidy(text: str) -> str:
    """Text as it is kept: composed, with single spaces; nothing in it is ever calculated."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def refuse(problems: Sequence[str]) -> None:
    """Refuse the whole file when some rows are wrong, telling of the first ones.

    Raises:
        BadInput: there are problems.
    """
    if not problems:
        return
    listed = list(problems[:LISTED_PROBLEMS])
    if beyond := len(problems) - len(listed):
        listed.append(f"{beyond} more rows are wrong; mend these first.")
    rows = "1 row is" if len(problems) == 1 else f"{len(problems)} rows are"
    raise BadInput(f"Nothing was taken over: {rows} wrong. Mend the file and upload it again.", listed)


def _text_of(content: bytes) -> str:
    if not content.strip():
        raise BadInput("The file is empty. It needs a row of headings and a row for each person.")
    if len(content) > MAX_BYTES:
        raise too_large()
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput(f"The file is a spreadsheet or document, not a CSV file. {_AS_CSV}")
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            text = _decoded(content)
    except UnicodeDecodeError:
        raise BadInput(f"The file is not written as text we can read. {_AS_CSV}") from None
    if "\0" in text:
        raise BadInput(f"The file holds characters that no text has. {_AS_CSV}")
    return text


def too_large() -> BadInput:
    """The refusal of a file that has more bytes than any roster."""
    return BadInput("The file has more than 1 MB, which no roster has. Check that it is the right file.")


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What older spreadsheets on Windows write.
        return content.decode("cp1252")


def _below_headings(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row by the number a spreadsheet gives it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number > 1:
                yield number, cells
    except csv.Error:
        raise BadInput(
            f"The file cannot be read from row {number + 1} on: a quotation mark is missing or out of place. "
            f"{_AS_CSV}"
        ) from None


def _columns(text: str) -> tuple[str, int, int]:
    """By what the cells are divided, and in which of them the name and the address stand."""
    headings = text.splitlines()[0]
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([headings], delimiter=delimiter), [])
        keys = ["".join(letter for letter in cell.lower() if letter.isalnum()) for cell in cells]
        at = [[place for place, key in enumerate(keys) if key in _HEADERS[what]] for what in _HEADERS]
        if all(len(places) == 1 for places in at):
            return delimiter, at[0][0], at[1][0]
    raise BadInput(
        "The first row must hold the headings “name” and “email”, each once; "
        f"yours begins {_quoted(headings)}."
    )


def _cell(cells: list[str], place: int) -> str:
    return tidy(cells[place]) if place < len(cells) else ""


def _repeated(row: RosterRow, seen: dict[str, int]) -> str:
    first = seen.get(row.email.lower())
    return f"{_quoted(row.email)} stands in row {first} already. Leave one of them out." if first else ""


def _quoted(text: str) -> str:
    shown = " ".join(without_unprinted(text).split())
    return f"“{shown[:60]}{'…' if len(shown) > 60 else ''}”"
