"""What is looked for in an entry's evidence: everything known to name its candidate.

Previews and cleaned copies ask here, so that both cover the same words.  Source: the programme's rules,
section 7.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from candidates import selectors as candidates

from .identifiers import Identity, Term, search_terms
from .models import Blinding

# Counted up whenever the cleaning covers or leaves out more than before: what was drawn is then drawn anew.
_CLEANING = 1
# Begun only where such letters begin and never tried with fewer of them: a page of a million letters has to
# be read through once, not once for each of them.  Two that are written without a gap are one.
_ADDRESS = r"[\w.+-]++@[\w-]++(?:\.[\w-]++)++"
# Whoever's they are, they lead to somebody: a second address, a school's page, a channel with the videos.
ADDRESSES = (
    Term("any e-mail address", "email", re.compile(rf"(?<![\w.+-])(?:{_ADDRESS})+")),
    Term("any link", "link", re.compile(r"(?:https?://|www\.)[^\s<>\")]+")),
)


def identity_of(person: candidates.Person, also_cover: Sequence[str] = ()) -> Identity:
    """Everything known to name the candidate, and the words staff found besides."""
    return Identity(
        names=tuple(dict.fromkeys((person.name_on_certificate, person.full_name))),
        emails=(person.email,),
        organisations=tuple(filter(None, (person.school, person.district))),
        usernames=(person.number, *also_cover),
    )


def identities(entries: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, Identity]:
    """The identity to cover in each entry, from pairs of entry and candidacy, in two queries."""
    people = candidates.persons({candidacy_id for _, candidacy_id in entries})
    covered = Blinding.objects.filter(entry_id__in=[entry_id for entry_id, _ in entries])
    words = dict(covered.values_list("entry_id", "also_cover"))
    return {
        entry_id: identity_of(people[candidacy_id], words.get(entry_id, ()))
        for entry_id, candidacy_id in entries
    }


def digest(identity: Identity) -> str:
    """Names exactly what is looked for, and by which version of the cleaning."""
    told = json.dumps([_CLEANING, asdict(identity)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(told.encode("ascii")).hexdigest()


def known_terms(identity: Identity) -> tuple[Term, ...]:
    """What names this candidate."""
    return search_terms(identity)


def all_terms(identity: Identity) -> tuple[Term, ...]:
    """What names this candidate, and what leads to somebody whoever it is."""
    return (*search_terms(identity), *ADDRESSES)
