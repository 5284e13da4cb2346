"""Every address of the site × every role, from the resolver; an address nobody listed fails.

Two worlds stand side by side, and nobody of the one sees anything of the other: what is not yours and
what does not exist are the same answer, to the byte.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse
from pytest_django import DjangoDbBlocker
from pytest_django import Settings as SettingsFixture

from accounts.models import Role, User
from certification.kernel import clock
from tests.factories import worlds as factory
from tests.factories.accounts import BACKEND
from tests.factories.candidates import account
from tests.factories.scoring import scorer, user_of
from tests.factories.worlds import NOW, World

from .url_table import COLUMNS, OF_SPONSORS, SHARED, SHOWN_TO_WHOEVER_KNOWS, SIGN_IN, WORLD_NAMES, table

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST")
ABSENT = UUID(int=1)


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver: its full name, its route, and what the route names."""

    name: str
    route: str
    names: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        return self.name.startswith("admin:")


def addresses(
    patterns: list[URLPattern | URLResolver], space: str = "", route: str = ""
) -> Iterator[Address]:
    """Every pattern below, depth first."""
    for pattern in patterns:
        here = route + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern.url_patterns, inner, here)
        else:
            names = re.findall(r"<(?:\w+:)?(\w+)>", here)
            yield Address(f"{space}{pattern.name or ''}", here, tuple(names))


@cache
def site() -> tuple[Address, ...]:
    return tuple(addresses(get_resolver().url_patterns))


def unlisted(found: Iterator[Address] | tuple[Address, ...]) -> list[str]:
    """A sentence for each address without a line in the table."""
    listed = {line.name for line in table()}
    return [
        f"{address.name or '(no name)'} ({address.route}) has no line in tests/architecture/url_table.py: "
        "name it, and write there who may open it, with GET and with POST."
        for address in found
        if not address.is_admin and address.name not in listed
    ]


# ---- the people and the worlds ----


@dataclass(frozen=True)
class Cast:
    """Both worlds, and somebody of each role who stands outside of them."""

    first: World
    second: World
    outsiders: Mapping[str, User]

    def owner(self, address: str, world: World) -> User:
        if address in OF_SPONSORS:
            return world.sponsor
        match address.partition(":")[0]:
            case "candidates":
                return world.applicant
            case "certificates":
                return world.holder
            case "scoring":
                return world.scorer
        return world.candidate

    def person(self, column: str, address: str) -> User | None:
        match column:
            case "visitor":
                return None
            case "owner":
                return self.owner(address, self.first)
            case "other":
                return self.owner(address, self.second)
        return self.outsiders[column]


# The cookie of each person's session, begun once; what a request does to it is undone.
_sessions: dict[UUID, str] = {}


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """Made once, in a transaction that never ends well; every request is undone by itself."""
    with django_db_blocker.unblock(), transaction.atomic():
        first, second = factory.two_worlds()
        outsiders = {
            "candidate": account(),
            "sponsor": account(Role.SPONSOR),
            "scorer": user_of(scorer()),
            "lead": user_of(scorer(lead=True)),
            "staff": account(Role.STAFF),
        }
        for world in (first, second):
            for person in (
                world.candidate,
                world.applicant,
                world.holder,
                world.scorer,
                world.sponsor,
            ):
                begin_session(person)
        for person in outsiders.values():
            begin_session(person)
        yield Cast(first, second, outsiders)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _at_one_instant(settings: SettingsFixture) -> Iterator[None]:
    # The second step has tests of its own; here it would hide what lies behind it.
    settings.MFA_REQUIRED = False
    with clock.fixed(NOW):
        yield


def begin_session(person: User) -> None:
    client = Client()
    client.force_login(person, backend=BACKEND)
    _sessions[person.pk] = client.cookies[settings.SESSION_COOKIE_NAME].value


def ask(method: str, url: str, person: User | None) -> Any:
    """The answer to one request of a fresh browser; whatever it wrote is undone."""
    client = Client()
    if person is not None:
        client.cookies[settings.SESSION_COOKIE_NAME] = _sessions[person.pk]
    with transaction.atomic():
        response = client.generic(method, url, content_type="application/x-www-form-urlencoded")
        if response.streaming:
            b"".join(response)
        transaction.set_rollback(True)
    return response


def named(address: str, key: str) -> str:
    """What a world calls the thing that `key` names in this address."""
    return WORLD_NAMES.get(address, {}).get(key, key)


def values(address: Address, world: World) -> dict[str, object]:
    """What the address names, in one world."""
    found: dict[str, object] = {}
    for key in address.names:
        if SHARED.get(key) is not None:
            found[key] = SHARED[key]
        elif named(address.name, key) in world.names:
            found[key] = world.names[named(address.name, key)]
        else:
            found[key] = "absent-absent"
    return found


def answer_of(response: HttpResponse) -> str:
    led_to = response.get("Location", "")
    if response.status_code == 302 and led_to.startswith(reverse("account_login")):
        return SIGN_IN
    return str(response.status_code)


# ---- the table ----


def test_every_address_is_listed() -> None:
    assert unlisted(site()) == []


def test_an_address_that_is_not_listed_is_named() -> None:
    """The control: the sentence says what to add."""
    planted = addresses([path("planted/<uuid:key>/", lambda request: HttpResponse(), name="planted")])
    (sentence,) = unlisted(planted)
    assert sentence.startswith("planted (planted/<uuid:key>/) has no line in tests/architecture/url_table.py")


def test_every_line_is_an_address() -> None:
    assert {line.name for line in table()} <= {address.name for address in site()}
    assert len(table()) == len({(line.name, line.method) for line in table()})


LISTED = {(line.name, line.method): line for line in table()}
CASES = [
    (address, method)
    for address, method in itertools.product(site(), METHODS)
    if not address.is_admin and any((address.name, known) in LISTED for known in METHODS)
]


@pytest.mark.parametrize(("address", "method"), CASES, ids=lambda part: getattr(part, "name", part))
def test_each_role_is_answered_as_the_table_says(people: Cast, address: Address, method: str) -> None:
    url = reverse(address.name, kwargs=values(address, people.first))
    line = LISTED.get((address.name, method))
    wrong = []
    for column in COLUMNS:
        answer = answer_of(ask(method, url, people.person(column, address.name)))
        expected = {line.answers[column]} if line else {SIGN_IN, "404", "405"}
        if answer not in expected:
            wrong.append(f"{column}: {answer} instead of {' or '.join(sorted(expected))}")
    assert not wrong, f"{method} {address.name} ({url}): {'; '.join(wrong)}"


# ---- the administration ----

OUTSIDERS = ("candidate", "sponsor", "scorer", "lead")
ADMIN = [address for address in site() if address.is_admin]
# Staff, who are no superusers, can read every list and every row ...
READ = ("_changelist", "_change", "_history", "admin:index", "admin:app_list")
# ... and are refused what a read-only page does not offer, or what does not exist here.
STAFF_MAY_BE_ANSWERED = {"200", "302", "403", "404", "405"}


def model_of(address: Address) -> type[Model] | None:
    parts = address.route.split("/")
    if len(parts) < 3 or parts[1] not in {config.label for config in apps.get_app_configs()}:
        return None
    return next((known for known in admin.site._registry if known._meta.model_name == parts[2]), None)


def row_of(address: Address) -> Model | None:
    """A row that the address's own list shows, when there is one."""
    model = model_of(address)
    if model is None:
        return None
    shown = admin.site._registry[model].get_queryset(RequestFactory().get("/"))
    found: Model | None = shown.order_by("pk").first()
    return found


def admin_url(address: Address) -> str:
    if address.name == "admin:app_list":
        return reverse(address.name, args=["accounts"])
    row = row_of(address)
    return "/" + re.sub(r"<(?:\w+:)?\w+>", str(row.pk if row else ABSENT), address.route)


@pytest.mark.parametrize("address", ADMIN, ids=lambda address: f"{address.name}-{address.route}")
def test_the_administration_is_the_staffs_alone(people: Cast, address: Address) -> None:
    url = admin_url(address)
    for method in METHODS:
        visitor = ask(method, url, None)
        assert visitor["Location"].startswith((reverse("account_login"), reverse("admin:login")))
        for column in OUTSIDERS:
            given = ask(method, url, people.outsiders[column])
            # Its sign-in answers 404 to whoever is signed in as somebody else; its sign-out leads there too.
            led_to = given.get("Location", "")
            led_away = led_to == reverse("admin:index") or led_to.startswith(reverse("admin:login"))
            assert led_away or given.status_code == 404, f"{method} {url} is {given.status_code} to {column}"


@pytest.mark.parametrize("address", ADMIN, ids=lambda address: f"{address.name}-{address.route}")
def test_staff_can_read_all_of_the_administration(people: Cast, address: Address) -> None:
    given = ask("GET", admin_url(address), people.outsiders["staff"])
    if address.name == "admin:login":
        assert answer_of(given) == SIGN_IN
    elif address.name.endswith(READ) and (not address.names or row_of(address)):
        # A row's page may lead to a better one; Django leads to the first page when it finds no row.
        assert given.status_code == 200 or given["Location"] != reverse("admin:index")
    else:
        assert answer_of(given) in STAFF_MAY_BE_ANSWERED


# ---- the worlds ----

_VARYING = [
    (re.compile(rb'(name="csrfmiddlewaretoken" value=)"[^"]*"'), rb"\1"),
    (re.compile(rb"(X-CSRFToken[^:]*: )[^}]*"), rb"\1"),
    (re.compile(rb'nonce="[^"]*"'), b"nonce"),
]


def body(response: HttpResponse) -> bytes:
    """The answer to the byte, but for what is drawn anew for every answer."""
    found: bytes = response.content
    for pattern, replacement in _VARYING:
        found = pattern.sub(replacement, found)
    return found


def owned_names(address: Address) -> list[str]:
    return [key for key in address.names if key not in SHARED]


OWNED = [
    (address, method)
    for address, method in itertools.product(site(), METHODS)
    if not address.is_admin
    and owned_names(address)
    and address.name not in SHOWN_TO_WHOEVER_KNOWS
    and not address.name.startswith("account_")
]


@pytest.mark.parametrize(("address", "method"), OWNED, ids=lambda part: getattr(part, "name", part))
def test_the_other_world_does_not_exist(people: Cast, address: Address, method: str) -> None:
    """Asked for one by one and all at once, with one's own for the rest."""
    me = people.owner(address.name, people.first)
    mine, theirs = values(address, people.first), values(address, people.second)
    owned = owned_names(address)
    for foreign in {*((key,) for key in owned), tuple(owned)}:
        asked = {key: theirs[key] if key in foreign else mine[key] for key in mine}
        nothing = {key: factory.absent(key, asked[key]) if key in foreign else asked[key] for key in mine}
        given = ask(method, reverse(address.name, kwargs=asked), me)
        control = ask(method, reverse(address.name, kwargs=nothing), me)
        assert given.status_code != 200, f"{method} {address.name} with {foreign} of the other world"
        assert (given.status_code, body(given)) == (control.status_code, body(control))
        assert {**given.headers, "Content-Security-Policy": ""} == {
            **control.headers,
            "Content-Security-Policy": "",
        }


def test_the_worlds_share_nothing_that_is_owned(people: Cast) -> None:
    """The control: what is asked for above exists, and is the other's."""
    for address, _ in OWNED:
        for key in owned_names(address):
            name = named(address.name, key)
            assert name in people.first.names, f"{address.name}: tell tests/factories/worlds.py what {key} is"
            assert people.first.names[name] != people.second.names[name]
