from django.apps import AppConfig


class CandidatesConfig(AppConfig):
    name = "candidates"
    verbose_name = "Candidates"

    def ready(self) -> None:
        from payments import offers

        from . import receivers  # noqa: F401
        from .offers import cohorts_on_offer

        offers.register(cohorts_on_offer)
