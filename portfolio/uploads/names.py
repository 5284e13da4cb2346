"""A file's name as its sender gave it: a claim, a hint to people, and never a path."""

from __future__ import annotations

from pathlib import PurePath

LONGEST = 255
_LONGEST_SHOWN = 80
_LONGEST_ENDING = 10
# Windows opens a device, and no file, whatever ending is put behind these.
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)


# What browsers write in a form for what would end a quoted name or its line; they write nothing else so.
# Source: WHATWG, HTML, "multipart form data".
_ESCAPED_IN_FORMS = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))


def sent_in_form(name: str | None) -> str:
    """The name that a file has on its sender's computer, from the one that a plain form carries."""
    plain = name or ""
    for escaped, letter in _ESCAPED_IN_FORMS:
        plain = plain.replace(escaped, letter)
    return plain


def plain_name(name: str) -> str:
    """The file's own name, fit to keep and to save a download under on any system; its ending survives.

    Folders go, and so does whatever does not print: a mark that turns the direction of writing makes
    `fdp.exe` look like `exe.pdf`.
    """
    printable = _printable(name).strip().rstrip(". ") or "file"
    if printable.partition(".")[0].strip().lower() in _DEVICES:
        printable = f"_{printable}"
    stem, dot, ending = printable.rpartition(".")
    if len(printable) <= LONGEST or not dot or len(ending) > _LONGEST_ENDING:
        return printable[:LONGEST]
    return f"{stem[: LONGEST - len(ending) - 1]}.{ending}"


def shown(name: str) -> str:
    """The name in quotes, for a sentence: short, no folders, nothing that does not print."""
    plain = _printable(name)
    if len(plain) > _LONGEST_SHOWN:
        plain = f"{plain[: _LONGEST_SHOWN - _LONGEST_ENDING - 1]}…{plain[-_LONGEST_ENDING:]}"
    return f"“{plain}”" if plain.strip() else "The file"


def ending_of(name: str) -> str:
    """The ending a name claims, in small letters and without its dot; empty when it claims none."""
    return PurePath(_printable(name).strip()).suffix.lower().lstrip(".")


def _printable(name: str) -> str:
    last = PurePath(name.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())
