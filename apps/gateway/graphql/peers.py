"""Data loading: rows that were read together read what belongs to them together.

The first GPU of a list that is asked for its telemetry reads it for all GPUs of the list, and the
others find it there. They are all asked the same, since one selection of the query is behind them;
so a query costs one statement for each of its fields that reads, however many rows it answers.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db import DataError, InterfaceError, OperationalError
from graphql import GraphQLError, GraphQLResolveInfo

from apps.gateway.access.principal import Principal
from apps.gateway.graphql.refusals import refusal
from apps.gateway.problems import HistoryUnavailable
from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.queries import RollupsGone

log = logging.getLogger(__name__)
Row = dict[str, Any]
T = TypeVar("T")


class Reader:
    """Who reads, and whether PostgreSQL failed: then nothing more is tried for this request."""

    def __init__(self, principal: Principal) -> None:
        self.clusters = principal.clusters
        self.failure: OperationalError | InterfaceError | None = None

    def read(self, query: Callable[..., T], *args: Any, **options: Any) -> T:
        """What a function of the read model answers.

        Raises OperationalError, InterfaceError, and a refusal for text that PostgreSQL cannot hold
        and for history that is not there.
        """
        if self.failure is not None:
            raise self.failure
        try:
            return query(*args, **options)
        except (OperationalError, InterfaceError) as error:
            self.failure = error
            raise
        except RollupsGone as error:
            raise refusal(400, str(error), "resolution") from error
        except ArchiveFailed as error:
            log.error("%s", error)
            raise refusal(503, HistoryUnavailable.default_detail) from error
        except DataError as error:
            raise refusal(400, f"An argument cannot be looked up: {error}.") from error


class Peers:
    """Rows that were read together. Each of them has this under `_peers`."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._read: dict[int, Any] = {}
        for row in self.rows:
            row["_peers"] = self

    def load(self, info: GraphQLResolveInfo, read: Callable[[list[Row]], T]) -> T:
        """What `read` makes of all the rows, once for each place in the query, or its refusal.

        A place is its node in the document, which outlives the execution.
        """
        place = id(info.field_nodes[0])
        if place not in self._read:
            try:
                self._read[place] = read(self.rows)
            except GraphQLError as error:
                self._read[place] = error
        found: T | GraphQLError = self._read[place]
        if isinstance(found, GraphQLError):
            raise found
        return found
