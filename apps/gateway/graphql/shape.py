"""How large a query is as it is written: refused before anything is validated or executed.

Validation takes time that grows with the square of the fields, and execution multiplies what
aliases and fragments repeat, so both come after this.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    parse,
)
from graphql.language import SelectionNode

from apps.gateway.graphql.refusals import refusal

MAX_CHARACTERS = 16_384
MAX_TOKENS = 2_000
MAX_COMMENTS = 200
# Clusters, their hosts, their GPUs and a list of values, all by edges, is 13.
MAX_DEPTH = 16
MAX_ALIASES = 50
MAX_ROOT_FIELDS = 10
MAX_FIELDS = 500


def parse_small(query: str) -> DocumentNode:
    """The document, if it is within every limit; raises GraphQLError, such as a refusal."""
    if len(query) > MAX_CHARACTERS:
        raise refusal(400, f"A query may have {MAX_CHARACTERS} characters; this has {len(query)}.")
    try:
        document = parse(query, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
    except GraphQLError as error:
        error.extensions = refusal(400, "").extensions
        raise
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    _Measure(fragments).check(document)
    return document


@dataclass
class _Measure:
    """Counts fields as they would be executed: a fragment again for each place that spreads it."""

    fragments: dict[str, FragmentDefinitionNode]
    fields: int = 0
    aliases: int = 0
    inside: set[str] = field(default_factory=set)

    def check(self, document: DocumentNode) -> None:
        """Raise a refusal if a limit is passed; stops counting there."""
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._check_roots(definition)
                self._walk(definition.selection_set.selections, 1)

    def _check_roots(self, operation: OperationDefinitionNode) -> None:
        roots = len(operation.selection_set.selections)
        if roots > MAX_ROOT_FIELDS:
            raise refusal(
                400, f"A query may have {MAX_ROOT_FIELDS} fields at its root, not {roots}."
            )

    def _walk(self, selections: Iterable[SelectionNode], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise refusal(400, f"A query may be {MAX_DEPTH} fields deep; this is deeper.")
        for selection in selections:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise refusal(400, f"A query may have {MAX_FIELDS} fields; this has more.")
            self._enter(selection, depth)

    def _enter(self, selection: SelectionNode, depth: int) -> None:
        match selection:
            case FieldNode():
                self.aliases += selection.alias is not None
                if self.aliases > MAX_ALIASES:
                    raise refusal(400, f"A query may have {MAX_ALIASES} aliases; this has more.")
                if selection.selection_set:
                    self._walk(selection.selection_set.selections, depth + 1)
            case InlineFragmentNode():
                self._walk(selection.selection_set.selections, depth)
            case FragmentSpreadNode():
                self._spread(selection.name.value, depth)

    def _spread(self, name: str, depth: int) -> None:
        """Follow a fragment; one that is unknown or holds itself is left to validation."""
        if name in self.inside or name not in self.fragments:
            return
        self.inside.add(name)
        self._walk(self.fragments[name].selection_set.selections, depth)
        self.inside.discard(name)
