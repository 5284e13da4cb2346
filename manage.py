#!/usr/bin/env python
"""Runs an administrative command, on the embedded PostgreSQL when no DATABASE_URL is given."""

import os
import sys

from django.core.management import execute_from_command_line

from certification import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certification.settings")
    embedded.ensure_database()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
