from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        refuse_play_money_on_a_real_site()


def refuse_play_money_on_a_real_site() -> None:
    """Stop the boot when the sandbox would let people pay a real fee with play money.

    Raises:
        ImproperlyConfigured: the sandbox is on, and this is neither a demo nor a test.
    """
    if settings.PAYMENT_SANDBOX and not (settings.DEMO or settings.TEST):
        raise ImproperlyConfigured(
            "Switch PAYMENT_SANDBOX off: it takes play money (only a demo, ICG_DEMO=1, may do so)."
        )
