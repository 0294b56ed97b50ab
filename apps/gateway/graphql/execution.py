"""A query's way from its text to its answer."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from graphql import (
    ASTValidationRule,
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    specified_rules,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.validation import MaxIntrospectionDepthRule

from apps.gateway.graphql.cost import Cost
from apps.gateway.graphql.peers import Reader
from apps.gateway.graphql.query import SCHEMA
from apps.gateway.graphql.refusals import describe, refusal
from apps.gateway.graphql.shape import parse_small

# Documents that are kept parsed and validated; long ones would take memory that few come back for.
KEPT_DOCUMENTS = 128
KEPT_CHARACTERS = 4_096
MAX_ERRORS = 20

schema = SCHEMA.graphql_schema


class Refused(Exception):
    """The query was not executed; `errors` are as the answer shows them."""

    def __init__(self, errors: list[GraphQLError], document: DocumentNode | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = [describe(error, document) for error in errors[:MAX_ERRORS]]


def run(
    query: str, variables: dict[str, Any], operation_name: str | None, reader: Reader
) -> dict[str, Any]:
    """`data`, and `errors` if there are any. Raises Refused before anything is executed."""
    document = _document(query)
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        detail = "operationName: name one of the query's operations."
        raise Refused([refusal(400, detail, "operationName")])
    if operation.operation is not OperationType.QUERY:
        raise Refused([refusal(400, "There are only queries here; REST takes files and records.")])
    _check_cost(document, operation, variables)
    result = execute(
        schema,
        document,
        context_value=reader,
        variable_values=variables,
        operation_name=operation_name,
        is_awaitable=_never,
    )
    assert isinstance(result, ExecutionResult), "nothing here is awaited"
    if not result.errors:
        return {"data": result.data}
    errors = [describe(error, document) for error in result.errors[:MAX_ERRORS]]
    return {"data": result.data, "errors": errors}


def _check_cost(
    document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> None:
    values = get_variable_values(schema, operation.variable_definitions or (), variables)
    if isinstance(values, list):
        raise Refused(values, document)
    try:
        Cost(schema, document, values).check(operation)
    except GraphQLError as error:
        raise Refused([error], document) from error


def _document(query: str) -> DocumentNode:
    introspection = bool(settings.GRAPHQL_INTROSPECTION)
    prepare = _kept if len(query) <= KEPT_CHARACTERS else _prepare
    return prepare(query, introspection=introspection)


def _prepare(query: str, *, introspection: bool) -> DocumentNode:
    try:
        document = parse_small(query)
    except GraphQLError as error:
        raise Refused([error]) from error
    hidden: list[type[ASTValidationRule]] = (
        [] if introspection else [NoSchemaIntrospectionCustomRule]
    )
    rules = [*specified_rules, MaxIntrospectionDepthRule, *hidden]
    errors = validate(
        schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=not introspection
    )
    if errors:
        raise Refused(errors, document)
    return document


_kept = lru_cache(maxsize=KEPT_DOCUMENTS)(_prepare)


def _never(_value: Any) -> bool:
    return False
