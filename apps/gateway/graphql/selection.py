"""Which fields of an object a query asks for, so that no other columns are read."""

from collections.abc import Iterable, Iterator

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode
from graphql.language import SelectionNode


def selected_fields(info: GraphQLResolveInfo) -> frozenset[str]:
    """The names of the fields below the one being resolved, those of fragments among them."""
    return frozenset(
        name
        for node in info.field_nodes
        if node.selection_set
        for name in _names(node.selection_set.selections, info)
    )


def _names(selections: Iterable[SelectionNode], info: GraphQLResolveInfo) -> Iterator[str]:
    for selection in selections:
        match selection:
            case FieldNode():
                yield selection.name.value
            case InlineFragmentNode():
                yield from _names(selection.selection_set.selections, info)
            case FragmentSpreadNode():
                fragment = info.fragments[selection.name.value]
                yield from _names(fragment.selection_set.selections, info)
