"""The scalars and enums: times as REST reads and writes them, numbers of any size, metric names."""

from enum import Enum as PythonEnum
from typing import Any

import graphene
from graphql import GraphQLError, StringValueNode
from graphql.language import Node, print_ast

from apps.gateway.cursors import CursorText
from apps.gateway.times import EndTime, StartTime
from apps.telemetry.metrics import BY_NAME
from apps.telemetry.queries import Order, Resolution


def _as_it_is(value: Any) -> Any:
    return value


class _Text(graphene.Scalar):
    """A text that `read` understands; what it refuses is refused before anything is executed."""

    class Meta:
        name = "_Text"

    read: Any = staticmethod(_as_it_is)
    serialize = staticmethod(_as_it_is)

    @classmethod
    def parse_value(cls, value: Any) -> Any:
        """A variable's value."""
        if not isinstance(value, str):
            raise GraphQLError(f"expected a text, got {str(value)[:80]}.")
        return cls._read(value)

    @classmethod
    def parse_literal(cls, node: Node, _variables: Any = None) -> Any:
        """A value written in the query."""
        if isinstance(node, StringValueNode):
            return cls._read(node.value, node)
        raise GraphQLError(f"expected a text in quotes, got {print_ast(node)[:80]}.", node)

    @classmethod
    def _read(cls, text: str, node: Node | None = None) -> Any:
        try:
            return cls.read(text)
        except ValueError as error:
            raise GraphQLError(f"{text[:80]!r} cannot be used: {error}.", node) from error


class DateTime(_Text):
    """An instant in UTC, RFC 3339 with microseconds: `2025-07-18T20:42:34.000000Z`."""


class Start(_Text):
    """A first instant, inclusive: RFC 3339, a date, Unix seconds, `now` or `now-5m`."""

    read = StartTime


class End(_Text):
    """A last instant, inclusive: as `Start`; a date means the end of that day."""

    read = EndTime


class ResolutionName(_Text):
    """`raw`, `1m`, `1h`, or `auto`: the finest of these whose rows are within the limit."""

    @staticmethod
    def read(text: str) -> Resolution:
        """One of those."""
        if text not in set(Resolution):
            raise ValueError(f"expected {' or '.join(Resolution)}")
        return Resolution(text)


class Place(_Text):
    """A place in a GPU's telemetry: the `cursor` of a sample."""

    read = CursorText


class Number(graphene.Scalar):
    """A number, whole or not, with all its digits."""

    serialize = staticmethod(_as_it_is)


class JSON(graphene.Scalar):
    """Any JSON value."""

    serialize = staticmethod(_as_it_is)


class Count(graphene.Scalar):
    """A whole number of up to 63 bits."""

    serialize = staticmethod(_as_it_is)


def _metric_description(value: Any) -> str:
    if value is None:
        return "A metric of the registry."
    return BY_NAME[value.value].description


MetricName = graphene.Enum.from_enum(
    PythonEnum("MetricName", {name: name for name in BY_NAME}), description=_metric_description
)
OrderName = graphene.Enum.from_enum(
    PythonEnum("Order", {order.value: order for order in Order}),
    description=lambda value: (
        "By time: `asc` oldest first, `desc` newest first." if value is None else None
    ),
)
