"""`manage.py ensureadmin`: a first superuser with a random password, where there is none."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction


class Command(BaseCommand):
    """Prints the password as the only line of standard output, or nothing."""

    help = (
        "Create the superuser `admin` with a random password, unless there is a superuser already."
        " Prints the password; it cannot be shown again (`manage.py changepassword admin` sets"
        " another)."
    )

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        """Create it or leave everything as it is."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(username="admin", password=password)
        self.stdout.write(password)
