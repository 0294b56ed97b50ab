"""How the OpenAPI document describes files of telemetry."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from apps.gateway.rest.formats import MEDIA_TYPES, Format

_ABOUT = {
    Format.CSV: "A line of names, then one per result; what is aggregated is spread over columns "
    "like `power_draw_avg`. A text that a spreadsheet would run begins with `'`.",
    Format.NDJSON: "One result per line, as in the page.",
    Format.PARQUET: "The columns of the CSV, typed; Zstandard.",
    Format.ARROW: "The columns of the CSV, typed, as a stream of record batches.",
}
_EXAMPLES = {
    Format.CSV: "timestamp,power_draw\r\n2025-07-18T20:42:34.000000Z,156.596\r\n",
    Format.NDJSON: '{"timestamp":"2025-07-18T20:42:34.000000Z","power_draw":156.596}\n',
}


def _file(format_: Format) -> OpenApiResponse:
    is_text = format_ in _EXAMPLES
    schema = {"type": "string"} if is_text else {"type": "string", "format": "binary"}
    examples = [OpenApiExample("two lines", _EXAMPLES[format_])] if is_text else []
    return OpenApiResponse(schema, description=_ABOUT[format_], examples=examples)


FILES = {(200, MEDIA_TYPES[format_]): _file(format_) for format_ in _ABOUT}
