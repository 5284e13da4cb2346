from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "certification.kernel"
    label = "kernel"
    verbose_name = "Kernel"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        autodiscover_modules("reconcilers")
