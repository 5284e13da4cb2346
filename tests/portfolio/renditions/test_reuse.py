"""Scorers get the very bytes that the candidate saw, as long as the same words are covered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, storages

from candidates.models import Candidacy
from portfolio.blinding import copies, services
from portfolio.models import Blinding, CleanedFile, Preparation, Rendition
from portfolio.renditions import making
from portfolio.states import BlindingState, PreparationState
from scoring.models import PacketFile
from tests.factories import blinding as made
from tests.factories import portfolio
from tests.factories import renditions as factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def blind(tmp_path: Path) -> Iterator[FileSystemStorage]:
    mine = FileSystemStorage(location=tmp_path / "blind-store")
    before = storages["blind"]
    storages._storages["blind"] = mine  # type: ignore[attr-defined]
    yield mine
    storages._storages["blind"] = before  # type: ignore[attr-defined]


@pytest.fixture
def made_now(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the blinding made itself."""
    calls: list[str] = []
    for name in ("pages_alone", "video", "poster"):
        real = getattr(making, name)

        def noted(*args: object, real=real, name=name) -> object:
            calls.append(name)
            return real(*args)

        monkeypatch.setattr(copies.making, name, noted)
    return calls


def _sealed(tmp_path: Path, candidacy: Candidacy, *, prepared: bool = True) -> Blinding:
    at = made.instants(candidacy)
    entry = portfolio.a_draft(candidacy, at.inside)
    factory.a_document(tmp_path, entry, at.inside, pages=2)
    film = factory.a_video(tmp_path, entry, at.inside)
    factory.a_caption(film.evidence, at.inside, "I am Ottoline and this is Tamarack.")
    if prepared:
        factory.prepare_all(at.inside)
    portfolio.submit(entry, at.inside)
    made.sealing.seal_due(at.after)
    return made.a_blinding(entry)


def test_copies_are_the_previews_bytes_and_findings_its_sightings(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, made_now: list[str]
) -> None:
    blinding = _sealed(tmp_path, candidacy)
    made_now.clear()
    assert copies.clean(blinding.pk, made.instants(candidacy).after) == BlindingState.CLEANED
    assert made_now == []
    shown = Rendition.objects.exclude(kind="document")
    files = list(blinding.files.all())
    assert {(file.kind, file.page_number, file.sha256, file.text) for file in files} == {
        (one.kind, one.page_number, one.sha256, one.text) for one in shown
    }
    assert [(file.kind, file.page_number) for file in files] == [
        ("page", 1),
        ("page", 2),
        ("video", None),
        ("poster", None),
        ("captions", None),
    ]
    for file in files:
        original = shown.get(
            preparation__evidence=file.evidence, kind=file.kind, page_number=file.page_number
        )
        with blind.open(file.storage_key) as copy, storages["identity"].open(original.storage_key) as seen:
            assert copy.read() == seen.read()
    sightings = Preparation.objects.values_list(
        "evidence", "sightings__where", "sightings__page_number", "sightings__kind", "sightings__excerpt"
    )
    findings = blinding.findings.values_list("evidence", "where", "page_number", "kind", "excerpt")
    assert sorted(map(str, findings)) == sorted(map(str, sightings))


def test_what_is_copied_is_what_would_have_been_made(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, made_now: list[str]
) -> None:
    blinding = _sealed(tmp_path, candidacy, prepared=False)
    after = made.instants(candidacy).after
    copies.clean(blinding.pk, after)
    assert made_now == ["pages_alone", "video", "poster"]
    made_alone = list(blinding.files.values_list("kind", "page_number", "sha256", "text"))
    found_alone = sorted(map(str, blinding.findings.values_list("where", "kind", "excerpt", "covered")))

    factory.prepare_all(after)
    services.send_back_blinding(
        blinding_id=blinding.pk, by=portfolio.a_staff_member(), reason="Once more.", now=after
    )
    made_now.clear()
    copies.clean(blinding.pk, after)
    assert made_now == []
    assert list(blinding.files.values_list("kind", "page_number", "sha256", "text")) == made_alone
    assert (
        sorted(map(str, blinding.findings.values_list("where", "kind", "excerpt", "covered"))) == found_alone
    )


def test_words_that_staff_add_are_covered_although_the_preview_is_there(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, made_now: list[str]
) -> None:
    blinding = _sealed(tmp_path, candidacy)
    after = made.instants(candidacy).after
    copies.clean(blinding.pk, after)
    text = blinding.files.get(ordinal=1).text
    word = next(word for word in text.split() if word.isalpha() and len(word) > 6)
    services.send_back_blinding(
        blinding_id=blinding.pk,
        by=portfolio.a_staff_member(),
        reason="A nickname shows.",
        also_cover=[word],
        now=after,
    )
    made_now.clear()
    copies.clean(blinding.pk, after)
    assert "pages_alone" in made_now
    assert word not in blinding.files.get(ordinal=1).text


def test_a_file_that_the_store_has_lost_is_made_anew(
    blind: FileSystemStorage,
    originals: FileSystemStorage,
    tmp_path: Path,
    candidacy: Candidacy,
    made_now: list[str],
) -> None:
    blinding = _sealed(tmp_path, candidacy)
    originals.delete(Rendition.objects.get(kind="page", page_number=2).storage_key)
    with Path(originals.path(Rendition.objects.get(kind="poster").storage_key)).open("ab") as poster:
        poster.write(b" ")
    made_now.clear()
    assert copies.clean(blinding.pk, made.instants(candidacy).after) == BlindingState.CLEANED
    assert made_now == ["pages_alone", "video", "poster"]
    assert CleanedFile.objects.count() == 5


def test_nothing_is_made_of_a_piece_that_was_rejected(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy, made_now: list[str]
) -> None:
    blinding = _sealed(tmp_path, candidacy)
    at = made.instants(candidacy)
    film = Preparation.objects.get(evidence__slot__key="clip")
    for state in (PreparationState.RECEIVED, PreparationState.CHECKING):
        Preparation.objects.filter(pk=film.pk).update(state=state)
    Preparation.objects.filter(pk=film.pk).update(
        state=PreparationState.REJECTED, problem="It holds something harmful.", ended_at=at.after
    )
    assert copies.clean(blinding.pk, at.after) == BlindingState.FAILED
    blinding.refresh_from_db()
    assert blinding.problem == "“Identify conversation” cannot be used: It holds something harmful."


def test_scorers_get_captions_without_names_and_their_words_as_text(
    blind: FileSystemStorage, tmp_path: Path, candidacy: Candidacy
) -> None:
    blinding = _sealed(tmp_path, candidacy)
    after = made.instants(candidacy).after
    copies.clean(blinding.pk, after)
    services.check_blinding(blinding_id=blinding.pk, by=portfolio.a_staff_member(), now=after)
    services.sign_off_blinding(blinding_id=blinding.pk, by=portfolio.a_staff_member(), now=after)
    captions = PacketFile.objects.get(kind="captions")
    assert captions.text == "I am [removed] and this is [removed]."
    assert captions.label == PacketFile.objects.get(kind="video").label
    with blind.open(captions.storage_key) as stream:
        text = stream.read().decode()
    assert text == ("WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nI am [removed] and this is [removed].\n")
