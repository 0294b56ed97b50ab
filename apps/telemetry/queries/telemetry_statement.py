"""The SQL of one page of a GPU's samples.

Each kind of question is put together once: that costs a tenth of what an answer does.
"""

from functools import lru_cache
from typing import NamedTuple

from apps.telemetry.queries.archived import DAYS, source, window_of_days
from apps.telemetry.queries.sample_json import sample_object
from apps.telemetry.queries.sample_lines import SEPARATOR
from apps.telemetry.queries.window import window_of


class Question(NamedTuple):
    """What makes two pages differ by more than their parameters."""

    columns: tuple[str, ...]
    has_start: bool
    has_end: bool
    has_cursor: bool
    has_clusters: bool
    # How samples are read, and how they are shown.
    ascending: bool
    shown_ascending: bool


# `limit` and the bounds stay parameters, so that one plan serves them all. The order of what is put
# together is the one in which it is read, so nothing is sorted but pages that are read backwards.
_PAGE = """
SELECT coalesce(page.lines, ''), page.rows, {count}, gpu.id, {days}
  FROM telemetry_gpu gpu,
       LATERAL (
         SELECT string_agg({sample}, '{separator}' ORDER BY s.timestamp {shown}) AS lines,
                count(*) AS rows
           FROM {source} s
       ) page
 WHERE gpu.uuid = %(uuid)s::text {visible}
"""
_LIMIT = "%(limit)s::integer + 1"
_STORED = f"""
(SELECT * FROM telemetry_sample s
  WHERE s.gpu_id = gpu.id {{window}} {{beyond}}
  ORDER BY s.timestamp {{read}} LIMIT {_LIMIT})
"""
_COUNT = "(SELECT count(*) FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window})"
_VISIBLE = """
AND EXISTS (SELECT 1 FROM telemetry_host host JOIN telemetry_cluster cluster
                       ON cluster.id = host.cluster_id
             WHERE host.id = gpu.host_id AND cluster.slug = ANY(%(clusters)s::text[]))
"""
_COUNT_OF_ALL = """
coalesce((SELECT sample_count FROM telemetry_latestsample latest WHERE latest.gpu_id = gpu.id), 0)
"""


# Every choice of metrics is a question of its own.
@lru_cache(maxsize=256)
def page_statement(asked: Question, *, with_given: bool) -> str:
    """One sample more than `limit`, if there are so many (see sample_lines).

    Parameters `uuid`, `limit`, and `start`, `end`, `cursor`, `clusters` where there are such.

    `with_given` takes samples of archived days too, as JSON in the parameter `archived`.
    """
    window = window_of(asked.has_start, asked.has_end)
    read = "ASC" if asked.ascending else "DESC"
    after = ">" if asked.ascending else "<"
    beyond = f"AND s.timestamp {after} %(cursor)s::timestamptz" if asked.has_cursor else ""
    stored = _STORED.format(window=window, beyond=beyond, read=read)
    return _PAGE.format(
        sample=sample_object("s", asked.columns),
        window=window,
        count=_COUNT.format(window=window) if window else _COUNT_OF_ALL,
        days=DAYS.format(window=window_of_days(asked.has_start, asked.has_end)),
        visible=_VISIBLE if asked.has_clusters else "",
        separator=SEPARATOR,
        source=source(stored, read, _LIMIT, with_given=with_given),
        shown="ASC" if asked.shown_ascending else "DESC",
    )
