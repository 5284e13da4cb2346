"""What staff do to accounts, and a person to their own: change, log and tell, together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from certification.kernel import audit, outbox
from certification.kernel.errors import NotAllowed

from .models import Role, User


@transaction.atomic
def open_account(*, email: str, full_name: str, timezone: str, role: str, by: User, now: datetime) -> User:
    """Make an account for somebody else, who chooses the password through a mailed link.

    Raises:
        NotAllowed: it would be staff, and `by` is no administrator of the site.
    """
    require_may_make(role, by=by)
    account = User.objects.create_user(email, full_name=full_name, timezone=timezone, role=role)
    event = audit.record(
        actor=by, action="opened account", subject=account, detail={"role": role, "email": account.email}
    )
    reset_url = f"{settings.SITE_URL}{reverse('account_reset_password')}"
    outbox.queue(
        dedupe_key=f"account opened {event.pk}",
        to=account.email,
        subject=f"Your account at {settings.SITE_NAME}",
        body=(
            f"Hello,\n\nan account was made for you, as {account.get_role_display().lower()}.\n\n"
            f"Choose your password here, with this e-mail address:\n{reset_url}\n"
        ),
        kind="account",
        deliver_after=now,
    )
    return account


@transaction.atomic
def change_account(
    *, account_id: UUID, full_name: str, timezone: str, role: str, is_active: bool, by: User
) -> User:
    """Change an account, and put on record what it was before.

    Raises:
        NotAllowed: see `require_change`; or the database keeps the account's role, because the person
            has registered with it.
    """
    account = User.objects.select_for_update(of=("self",)).get(pk=account_id)
    require_change(account, role=role, is_active=is_active, by=by)
    wanted: dict[str, Any] = {
        "full_name": full_name,
        "timezone": timezone,
        "role": role,
        "is_active": is_active,
    }
    changes = {
        name: {"from": getattr(account, name), "to": value}
        for name, value in wanted.items()
        if getattr(account, name) != value
    }
    if changes:
        for name in changes:
            setattr(account, name, wanted[name])
        _save(account, list(changes))
        audit.record(actor=by, action="changed account", subject=account, detail=changes)
    return account


def _save(account: User, fields: list[str]) -> None:
    """Save, and hand the database's own sentence on when it refuses."""
    try:
        with transaction.atomic():
            account.save(update_fields=fields)
    except IntegrityError as refused:
        said = getattr(refused.__cause__, "diag", None)
        raise NotAllowed(said.message_primary if said else str(refused)) from refused


def require_change(account: User, *, role: str, is_active: bool, by: User) -> None:
    """Let staff change others, and nobody lock themselves out.

    Raises:
        NotAllowed: the account is the actor's own, would become staff by one who may not make any,
            or is a superuser's that would leave the staff.
    """
    changes_access = role != account.role or is_active != account.is_active
    if changes_access and account.pk == by.pk:
        raise NotAllowed(
            "You cannot change your own role or close your own account. Ask another staff member."
        )
    if changes_access and account.is_superuser and not by.is_superuser:
        raise NotAllowed("Only an administrator of the site may change an administrator’s access.")
    if role != account.role:
        require_may_make(role, by=by)
    if account.is_superuser and role != Role.STAFF:
        raise NotAllowed("An administrator of the site stays staff. Take that right away first.")


def require_may_make(role: str, *, by: User) -> None:
    """Let nobody make a second staff account for themselves and sign off their own work with it.

    Source: the programme's rules, section 7.

    Raises:
        NotAllowed: the account would be staff, and `by` is no administrator of the site.
    """
    if role == Role.STAFF and not by.is_superuser:
        raise NotAllowed(
            "Only an administrator of the site may make somebody staff, because a second person "
            "signs off what one has checked. Ask an administrator."
        )


@transaction.atomic
def reset_second_step(*, account_id: UUID, by: User, now: datetime) -> bool:
    """Forget somebody's second step, so that they set up a new one at their next page; tell them.

    Returns False when there was none.

    Raises:
        NotAllowed: the account is the actor's own; the account page does that, after asking for a code.
    """
    account = User.objects.select_for_update(of=("self",)).get(pk=account_id)
    if account.pk == by.pk:
        raise NotAllowed("Your own second step is changed on your account page, not here.")
    if account.is_superuser and not by.is_superuser:
        raise NotAllowed("Only an administrator of the site may reset an administrator’s second step.")
    removed, _ = Authenticator.objects.filter(user=account).delete()
    if not removed:
        return False
    event = audit.record(actor=by, action="reset second step", subject=account)
    outbox.queue(
        dedupe_key=f"second step reset {event.pk}",
        to=account.email,
        subject="Your two-step verification was reset",
        body=(
            "Hello,\n\nthe programme office has reset the second step of your sign-in. "
            "You set up a new one when you next sign in.\n\n"
            f"If you did not ask for this, write to {settings.CONTACT_EMAIL} at once.\n"
        ),
        kind="account",
        deliver_after=now,
    )
    return True


@transaction.atomic
def save_profile(*, account: User, full_name: str, timezone: str) -> None:
    """Keep a person's own name and time zone."""
    User.objects.filter(pk=account.pk).update(full_name=full_name, timezone=timezone)
