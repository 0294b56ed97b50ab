"""GraphQL errors that say what the problem documents of REST say."""

import logging
from http import HTTPStatus
from typing import Any

from graphql import ArgumentNode, DocumentNode, GraphQLError, VariableDefinitionNode, Visitor, visit
from graphql.language import Node

from apps.gateway.problems import INVALID_PARAMETER

logger = logging.getLogger(__name__)


def refusal(status: int, detail: str, parameter: str | None = None) -> GraphQLError:
    """An error with `extensions`: `status`, `type` and, where one is at fault, `parameter`."""
    extensions: dict[str, Any] = {"status": status, "type": "about:blank"}
    if parameter is not None:
        extensions |= {"type": INVALID_PARAMETER, "parameter": parameter}
    return GraphQLError(detail, extensions=extensions)


def describe(error: GraphQLError, document: DocumentNode | None = None) -> dict[str, Any]:
    """The error as the answer shows it; what nobody expected goes to the log, not to the caller.

    An argument or variable of the `document` that cannot be read is named as the parameter.
    """
    shown = dict(error.formatted)
    cause = error.original_error
    if cause is not None and not isinstance(cause, GraphQLError) and error.path is not None:
        logger.error("GraphQL: %s failed", error.path, exc_info=cause)
        failed = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The gateway failed; see its log.")
        return shown | {"message": failed.message, "extensions": failed.extensions}
    if not error.extensions:
        parameter = _argument_at_fault(error, document)
        extensions = refusal(HTTPStatus.BAD_REQUEST, "", parameter).extensions
        return shown | {"extensions": extensions}
    return shown


def _argument_at_fault(error: GraphQLError, document: DocumentNode | None) -> str | None:
    node = error.nodes[0] if error.nodes else None
    if isinstance(node, VariableDefinitionNode):
        return node.variable.name.value
    if node is None or document is None:
        return None
    finder = _ArgumentFinder(node)
    visit(document, finder)
    return finder.found


class _ArgumentFinder(Visitor):
    """Finds the argument whose value a node is."""

    def __init__(self, wanted: Node) -> None:
        super().__init__()
        self.wanted = wanted
        self.found: str | None = None

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        """Look at the value and, in a list, at its items."""
        if any(one is self.wanted for one in (node.value, *getattr(node.value, "values", ()))):
            self.found = node.name.value
