"""How many values a query can answer at most, rows times fields, before it is executed.

With it, what the arguments of a field say together: `first` in its bounds, `start` before `end`.
"""

from collections.abc import Iterable
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_named_type,
)
from graphql.execution.values import get_argument_values
from graphql.language import SelectionNode

from apps.gateway.graphql.connections import (
    DEFAULT_CLUSTERS,
    DEFAULT_NESTED_ROWS,
    DEFAULT_ROWS,
    MAX_ROWS,
)
from apps.gateway.graphql.gpus import DEFAULT_SAMPLES
from apps.gateway.graphql.refusals import refusal
from apps.gateway.parameters import MAX_LIMIT
from apps.telemetry.metrics import METRIC_NAMES

MAX_COST = 100_000
_ROOT_ROWS = {"clusters": DEFAULT_CLUSTERS, "hosts": DEFAULT_ROWS, "gpus": DEFAULT_ROWS}
# A summary reads far more than it answers.
SUMMARY_COST = 20


class Cost:
    """Adds up the values of an operation, with its variables."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }

    def check(self, operation: OperationDefinitionNode) -> None:
        """Raise a refusal for more than MAX_COST, or for arguments that cannot be together."""
        root = self._schema.query_type
        assert root is not None, "a schema has a query"
        cost = self._of(operation.selection_set.selections, root, at_root=True)
        if cost > MAX_COST:
            raise refusal(
                400,
                f"This could answer {cost:,} values, and {MAX_COST:,} is the most; ask for fewer"
                " rows (first, limit) or fewer fields, or for the next page afterwards.",
            )

    def _of(
        self, selections: Iterable[SelectionNode], parent: GraphQLObjectType, *, at_root: bool
    ) -> int:
        cost = 0
        for selection in selections:
            match selection:
                case FieldNode():
                    cost += self._of_field(selection, parent, at_root=at_root)
                case InlineFragmentNode():
                    inner = selection.selection_set.selections
                    cost += self._of(inner, parent, at_root=at_root)
                case FragmentSpreadNode():
                    inner = self._fragments[selection.name.value].selection_set.selections
                    cost += self._of(inner, parent, at_root=at_root)
        return cost

    def _of_field(self, node: FieldNode, parent: GraphQLObjectType, *, at_root: bool) -> int:
        name = node.name.value
        if name.startswith("__") or node.selection_set is None:
            return 1
        definition = parent.fields[name]
        inner = cast("GraphQLObjectType", get_named_type(definition.type))
        each = 1 + self._of(node.selection_set.selections, inner, at_root=False)
        if name == "summary":
            each += SUMMARY_COST
        return each * self._rows(name, node, definition, at_root=at_root)

    def _rows(self, name: str, node: FieldNode, definition: GraphQLField, *, at_root: bool) -> int:
        """How many objects the field may answer. The lists in a connection are its rows again."""
        given = get_argument_values(definition, node, self._variables) if definition.args else {}
        if "start" in definition.args:
            _check_window(given)
        if "first" in definition.args:
            default = _ROOT_ROWS[name] if at_root else DEFAULT_NESTED_ROWS
            return (
                _bounded(given, "first", MAX_ROWS) or _bounded(given, "last", MAX_ROWS) or default
            )
        if "limit" in definition.args:
            return _bounded(given, "limit", MAX_LIMIT) or DEFAULT_SAMPLES
        if name == "summary":
            chosen = given.get("metrics")
            return len(METRIC_NAMES if chosen is None else set(chosen))
        if name == "models":
            return DEFAULT_ROWS
        return len(METRIC_NAMES) if name in {"values", "metrics"} else 1


def _bounded(given: dict[str, Any], name: str, most: int) -> int | None:
    value: int | None = given.get(name)
    if value is not None and not 1 <= value <= most:
        raise refusal(
            400, f"{name}: expected a whole number from 1 to {most}, got '{value}'.", name
        )
    return value


def _check_window(given: dict[str, Any]) -> None:
    start, end = given.get("start"), given.get("end")
    if start is not None and end is not None and start.at > end.at:
        raise refusal(400, "start: it is after `end`.", "start")
