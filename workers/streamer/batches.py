"""Cutting drafts into batches of bounded size. Pure."""

from collections.abc import Sequence

from workers.sources.draft import Draft

# Records may have 60 kB each: a thousand of them, kept until they are a batch and once more as
# messages, are no small thing. What goes to etcd at once is as large as this.
BATCH_BYTES = 900_000


def full_batches(
    drafts: Sequence[Draft], count: int, size_bytes: int = BATCH_BYTES
) -> tuple[list[Sequence[Draft]], list[Draft]]:
    """(batches of `count` drafts, or of nearly `size_bytes`; the rest, which fills none)."""
    batches: list[Sequence[Draft]] = []
    start = size = 0
    for at, draft in enumerate(drafts):
        size += len(draft.body)
        if at - start == count or (size > size_bytes and at > start):
            batches.append(drafts[start:at])
            start, size = at, len(draft.body)
    if len(drafts) - start == count:
        batches.append(drafts[start:])
        start = len(drafts)
    return batches, list(drafts[start:])
