"""Triggers hold the tables of moves against plain SQL; each refusal has a control without the trigger.

The table is made for these tests, in a registry of its own, so that no other test sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pgtrigger
import pytest
from django.apps import apps
from django.db import Error, IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps

from certification.kernel.errors import NotAllowed
from certification.kernel.states import (
    append_only,
    frozen_fields,
    require,
    state_is_known,
    state_machine,
)

pytestmark = pytest.mark.django_db


class Stage(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    CLOSED = "closed", "Closed"
    WITHDRAWN = "withdrawn", "Withdrawn"


ALLOWED: dict[str, frozenset[str]] = {
    Stage.DRAFT: frozenset({Stage.IN_REVIEW, Stage.WITHDRAWN}),
    Stage.IN_REVIEW: frozenset({Stage.CLOSED, Stage.DRAFT}),
    Stage.CLOSED: frozenset(),
    Stage.WITHDRAWN: frozenset(),
}
MOVES = [(old, new) for old in Stage.values for new in Stage.values if old != new]
ILLEGAL = [(old, new) for old, new in MOVES if new not in ALLOWED[old]]
LEGAL = [(old, new) for old, new in MOVES if new in ALLOWED[old]]

Guarded = Callable[..., None]


def run(sql: str, *values: str | int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    """Makes the table `paper`, with the triggers it is called with."""
    with isolate_apps("certification.kernel"):

        class Paper(models.Model):
            state = models.CharField(max_length=20)
            code = models.CharField(max_length=20)
            note = models.CharField(max_length=20)

            class Meta:
                app_label = "kernel"
                db_table = "paper"
                constraints = [state_is_known(Stage, name="paper_state_known")]

        def make(*triggers: pgtrigger.Trigger) -> None:
            with connection.schema_editor() as editor:
                editor.create_model(Paper)
            for trigger in triggers:
                trigger.install(Paper)  # type: ignore[arg-type]

        yield make


def born(state: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO paper (state, code, note) VALUES (%s, 'A', 'n') RETURNING id", [state])
        return int(cursor.fetchone()[0])


def placed(state: str) -> int:
    """A row in any state, put there behind the triggers' back."""
    run("ALTER TABLE paper DISABLE TRIGGER USER")
    row = born(state)
    run("ALTER TABLE paper ENABLE TRIGGER USER")
    return row


def moved(row: int, state: str) -> int:
    return run("UPDATE paper SET state = %s WHERE id = %s", state, row)


class TestRequire:
    @pytest.mark.parametrize(("old", "new"), LEGAL)
    def test_a_move_of_the_table_passes(self, old: str, new: str) -> None:
        require(ALLOWED, old, new)

    @pytest.mark.parametrize(("old", "new"), ILLEGAL)
    def test_another_move_is_refused(self, old: str, new: str) -> None:
        with pytest.raises(NotAllowed):
            require(ALLOWED, old, new)

    def test_the_refusal_is_a_sentence_in_words_people_use(self) -> None:
        with pytest.raises(NotAllowed) as refusal:
            require(ALLOWED, Stage.CLOSED, Stage.IN_REVIEW, what="Entry 1")
        assert refusal.value.message == (
            "Entry 1 is “closed” and cannot become “in review”. Reload the page to see where it stands."
        )

    def test_a_state_the_table_does_not_know_allows_nothing(self) -> None:
        with pytest.raises(NotAllowed):
            require(ALLOWED, "lost", Stage.DRAFT)


class TestStateMachine:
    @pytest.fixture(autouse=True)
    def _table(self, guarded: Guarded) -> None:
        guarded(*state_machine(ALLOWED, initial=[Stage.DRAFT]))

    @pytest.mark.parametrize(("old", "new"), LEGAL)
    def test_a_move_of_the_table_is_written(self, old: str, new: str) -> None:
        assert moved(placed(old), new) == 1

    @pytest.mark.parametrize(("old", "new"), ILLEGAL)
    def test_another_move_is_refused_by_the_database(self, old: str, new: str) -> None:
        row = placed(old)
        with pytest.raises(Error, match=r"[Ii]nvalid transition"):
            moved(row, new)

    def test_a_change_that_leaves_the_state_alone_is_no_move(self) -> None:
        row = placed(Stage.CLOSED)
        assert run("UPDATE paper SET note = 'new', state = state WHERE id = %s", row) == 1

    @pytest.mark.parametrize("state", [Stage.IN_REVIEW, Stage.CLOSED, Stage.WITHDRAWN])
    def test_a_row_is_not_born_in_a_later_state(self, state: str) -> None:
        with pytest.raises(Error, match="cannot start as"):
            born(state)
        assert born(Stage.DRAFT)

    def test_one_bad_row_of_many_refuses_them_all(self) -> None:
        placed(Stage.DRAFT)
        placed(Stage.CLOSED)
        with pytest.raises(Error, match=r"[Ii]nvalid transition"):
            run("UPDATE paper SET state = 'in_review'")
        assert run("UPDATE paper SET note = note WHERE state = 'in_review'") == 0

    def test_an_unknown_state_is_refused(self) -> None:
        run("ALTER TABLE paper DISABLE TRIGGER USER")
        with pytest.raises(IntegrityError, match="paper_state_known"):
            born("lost")


class TestWithoutTriggers:
    """The control: the same SQL passes when nothing guards the table."""

    @pytest.fixture(autouse=True)
    def _table(self, guarded: Guarded) -> None:
        guarded()

    @pytest.mark.parametrize(("old", "new"), ILLEGAL)
    def test_any_move_is_written(self, old: str, new: str) -> None:
        assert moved(born(old), new) == 1

    def test_rows_change_and_go(self) -> None:
        row = born(Stage.DRAFT)
        assert run("UPDATE paper SET code = 'B' WHERE id = %s", row) == 1
        assert run("DELETE FROM paper") == 1


class TestAppendOnly:
    @pytest.mark.parametrize("sql", ["UPDATE paper SET note = 'x'", "DELETE FROM paper"])
    def test_a_row_stays_as_it_was_written(self, guarded: Guarded, sql: str) -> None:
        guarded(*append_only())
        born(Stage.DRAFT)
        with pytest.raises(Error, match=r"[Cc]annot (update|delete)"):
            run(sql)


class TestFrozenFields:
    def test_a_frozen_column_keeps_its_value_and_the_others_may_change(self, guarded: Guarded) -> None:
        guarded(*frozen_fields("code"))
        row = born(Stage.DRAFT)
        with pytest.raises(Error, match=r"[Cc]annot update"):
            run("UPDATE paper SET code = 'B' WHERE id = %s", row)
        assert run("UPDATE paper SET note = 'x', code = code WHERE id = %s", row) == 1
        assert run("DELETE FROM paper") == 1


def test_every_state_of_the_project_is_guarded_in_the_database() -> None:
    """A model with a `state` column has the triggers for its births and moves, and a CHECK of its values."""
    checked = 0
    for model in apps.get_models():
        if "state" not in {field.name for field in model._meta.fields}:
            continue
        names = {trigger.name for trigger in model._meta.triggers}  # type: ignore[attr-defined]
        assert {"state_moves", "state_births"} <= names, (
            f"{model._meta.label} has no state_machine() triggers."
        )
        assert any("state" in str(check.condition) for check in _checks(model)), (
            f"{model._meta.label} has no CHECK of its states: add state_is_known()."
        )
        checked += 1
    assert checked >= 5


def _checks(model: type[models.Model]) -> list[models.CheckConstraint]:
    return [check for check in model._meta.constraints if isinstance(check, models.CheckConstraint)]
