"""Whether the tables are those of this code: looked at before anything starts that needs them."""

import logging
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import InterfaceError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

OURS = "apps."

log = logging.getLogger(__name__)


class WrongSchema(Exception):
    """The tables are of another version; the message says what to do."""


class SchemaBehind(WrongSchema):
    """The database is older than the code."""


class SchemaAhead(WrongSchema):
    """The database is newer than the code."""


def require_schema(database: str = "default") -> None:
    """Raise SchemaBehind or SchemaAhead, and Django's OperationalError without PostgreSQL.

    Migrations of ours that the code does not know mean that a newer version made the tables; those
    of other packages say nothing, for they may be merged from one version to the next.
    """
    executor = MigrationExecutor(connections[database])
    loader = executor.loader
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith(OURS)}
    unknown = [
        f"{app}.{name}"
        for app, name in sorted(loader.applied_migrations)
        if app in ours and (app, name) not in loader.disk_migrations
    ]
    if unknown:
        raise SchemaAhead(
            f"The database is newer than this code: it has {', '.join(unknown)}. Start the version"
            " that made it, or restore the backup of before the upgrade."
        )
    missing = executor.migration_plan(loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{one.app_label}.{one.name}" for one, _ in missing[:3])
        raise SchemaBehind(
            f"The database is older than this code: {len(missing)} migrations are missing, {names}"
            " first. Run `manage.py migrate`."
        )


def refuse_wrong_schema() -> None:
    """Raise WrongSchema; where PostgreSQL does not answer only say so, for workers wait for it."""
    try:
        require_schema()
    except (OperationalError, InterfaceError) as error:
        log.warning("PostgreSQL does not answer, its tables are not checked: %s", error)


@register("database")
def check_schema(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001, Django passes it by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """`manage.py check --database default`; behind is no error there, or migrate would refuse."""
    if "default" not in (databases or ()):
        return []
    try:
        require_schema()
    except SchemaBehind as error:
        return [Warning(str(error), id="telemetry.W001")]
    except SchemaAhead as error:
        return [Error(str(error), id="telemetry.E001")]
    except OperationalError as error:
        return [Error(f"PostgreSQL does not answer: {error}", id="telemetry.E002")]
    return []
