"""Column types that Django lacks."""

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class RealField(models.FloatField):  # type: ignore[type-arg]  # not generic at run time
    """A 4-byte float: half the bytes of Django's FloatField, exact to 6 significant digits."""

    description = "Single precision floating point number"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002, signature of Django
        """PostgreSQL's name of the type."""
        return "real"
