"""The locks of this app, in the order in which they are taken: the account first, then the row.

An account's lock makes "one live candidacy per person" true also when the same person presses
twice, or registers in two cohorts at once.
"""

from __future__ import annotations

from uuid import UUID

from accounts.models import User
from certification.kernel import locks
from certification.kernel.errors import NotAllowed

from .models import Candidacy, Registration


def account(account_id: UUID) -> None:
    """Let one registration of this person be written at a time, until the transaction ends."""
    locks.advisory(f"candidates:account:{account_id}")


def numbers(cohort_id: UUID) -> None:
    """Let one candidacy of this cohort be numbered at a time, until the transaction ends."""
    locks.advisory(f"candidates:numbers:{cohort_id}")


def registration(registration_id: UUID) -> Registration:
    """The registration, locked.  Its account's lock is taken on the way."""
    account_id = Registration.objects.values_list("account_id", flat=True).get(pk=registration_id)
    account(account_id)
    return (
        Registration.objects.select_for_update(of=("self",))
        .select_related("cohort", "account")
        .get(pk=registration_id)
    )


def own_registration(registration_id: UUID, *, by: User) -> Registration:
    """The registration, locked, for the person whose it is.

    Raises:
        NotAllowed: it is somebody else's.
    """
    locked = registration(registration_id)
    if locked.account_id != by.pk:
        raise NotAllowed("This registration belongs to another account. Sign in with that account to go on.")
    return locked


def candidacy(candidacy_id: UUID) -> Candidacy:
    """The candidacy, locked."""
    return (
        Candidacy.objects.select_for_update(of=("self",))
        .select_related("cohort", "account", "registration")
        .get(pk=candidacy_id)
    )
