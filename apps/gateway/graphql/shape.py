"""How large a query is as it is written: refused before anything is validated or executed.

Validation takes time that grows with the square of the fields, and execution multiplies what
aliases and fragments repeat, so both come after this.
"""

from collections import Counter
from collections.abc import Iterable

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
MAX_FIELDS = 300
# Of one name among the fields of one object, where fragments repeat what others select.
MAX_REPEATS = 20
MAX_DEFINITIONS = 40
MAX_VARIABLES = 50
MAX_DIRECTIVES = 4


def parse_small(query: str) -> DocumentNode:
    """The document, if it is within every limit; raises GraphQLError, such as a refusal."""
    if len(query) > MAX_CHARACTERS:
        raise refusal(400, f"A query may have {MAX_CHARACTERS} characters; this has {len(query)}.")
    try:
        document = parse(query, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
    except GraphQLError as error:
        error.extensions = refusal(400, "").extensions
        raise
    _Measure(document).check()
    return document


class _Measure:
    """Counts fields as they would be executed: a fragment again for each place that spreads it."""

    def __init__(self, document: DocumentNode) -> None:
        self.document = document
        self.fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self.fields = 0
        self.aliases = 0
        self.inside: set[str] = set()
        self.spread: set[str] = set()

    def check(self) -> None:
        """Raise a refusal if a limit is passed; stops counting there."""
        if len(self.document.definitions) > MAX_DEFINITIONS:
            detail = f"A query may have {MAX_DEFINITIONS} operations and fragments; this has more."
            raise refusal(400, detail)
        for definition in self.document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                _check_operation(definition)
                self._walk(definition.selection_set.selections, 1, Counter())
        # Validation looks at the fragments that nothing spreads, too.
        for name in self.fragments.keys() - self.spread:
            self._follow(name, 1, Counter())

    def _walk(self, selections: Iterable[SelectionNode], depth: int, names: Counter[str]) -> None:
        if depth > MAX_DEPTH:
            raise refusal(400, f"A query may be {MAX_DEPTH} fields deep; this is deeper.")
        for selection in selections:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise refusal(400, f"A query may have {MAX_FIELDS} fields; this has more.")
            if len(selection.directives) > MAX_DIRECTIVES:
                raise refusal(400, f"A field may have {MAX_DIRECTIVES} directives; one has more.")
            match selection:
                case FieldNode():
                    self._field(selection, depth, names)
                case InlineFragmentNode():
                    self._walk(selection.selection_set.selections, depth, names)
                case FragmentSpreadNode():
                    self._follow(selection.name.value, depth, names)

    def _field(self, node: FieldNode, depth: int, names: Counter[str]) -> None:
        self.aliases += node.alias is not None
        if self.aliases > MAX_ALIASES:
            raise refusal(400, f"A query may have {MAX_ALIASES} aliases; this has more.")
        name = (node.alias or node.name).value
        names[name] += 1
        if names[name] > MAX_REPEATS:
            detail = f"{name[:80]} may stand {MAX_REPEATS} times in one place; it does more often."
            raise refusal(400, detail)
        if node.selection_set:
            self._walk(node.selection_set.selections, depth + 1, Counter())

    def _follow(self, name: str, depth: int, names: Counter[str]) -> None:
        """Enter a fragment; one that is unknown or holds itself is left to validation."""
        self.spread.add(name)
        if name in self.inside or name not in self.fragments:
            return
        self.inside.add(name)
        self._walk(self.fragments[name].selection_set.selections, depth, names)
        self.inside.discard(name)


def _check_operation(operation: OperationDefinitionNode) -> None:
    roots = len(operation.selection_set.selections)
    if roots > MAX_ROOT_FIELDS:
        raise refusal(400, f"A query may have {MAX_ROOT_FIELDS} fields at its root, not {roots}.")
    if len(operation.variable_definitions or ()) > MAX_VARIABLES:
        raise refusal(400, f"A query may have {MAX_VARIABLES} variables; this has more.")
