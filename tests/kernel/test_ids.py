"""Codes people read aloud, and keys nobody can guess."""

from __future__ import annotations

from certification.kernel import ids


def test_a_code_has_no_letters_that_look_like_others() -> None:
    seen = "".join(ids.code(50) for _ in range(100))
    assert not set(seen) & set("01OILU")
    assert set(seen) <= set("23456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_codes_and_keys_do_not_repeat() -> None:
    assert len({ids.code() for _ in range(2000)}) == 2000
    assert len({ids.uuid() for _ in range(2000)}) == 2000
    assert len(ids.code()) == 8
