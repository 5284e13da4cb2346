"""What this app does when payments says that an order is covered.

The reconciler `registrations.complete_paid` does the same, so a lost signal costs only time.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from certification.kernel import clock
from payments.signals import order_settled

from .services import complete_registration
from .services.registration import PURPOSE


@receiver(order_settled, dispatch_uid="candidates.complete_registration")
def complete_on_settlement(*, purpose: str, purpose_id: UUID, **_: Any) -> None:
    if purpose == PURPOSE:
        complete_registration(registration_id=purpose_id, now=clock.now())
