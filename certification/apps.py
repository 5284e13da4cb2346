from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectConfig(AppConfig):
    """The project itself, as an app: it owns the commands and the pages that see every other app."""

    name = "certification"
    label = "certification"
    default = True
    verbose_name = "Certification"


class CertificationAdminConfig(AdminConfig):
    """Django's admin with the season's cockpit as its first page."""

    default = False
    default_site = "certification.cockpit.site.CertificationAdminSite"
