"""Who may decide about money."""

from __future__ import annotations

from accounts.models import Role, User
from certification.kernel.errors import NotAllowed


def require_staff(by: User) -> None:
    """Let nobody else decide about money.

    Raises:
        NotAllowed: `by` is not staff.
    """
    if by.role != Role.STAFF:
        raise NotAllowed("Only the programme's staff may do this.")
