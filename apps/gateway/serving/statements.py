"""No statement of the gateway runs longer than somebody would wait."""

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper


def limit_statements(connection: BaseDatabaseWrapper, **_: object) -> None:
    """On a new connection: end what runs longer than STATEMENT_TIMEOUT_S, with an error."""
    milliseconds = round(settings.STATEMENT_TIMEOUT_S * 1000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [str(milliseconds)])
