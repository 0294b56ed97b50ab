"""Query parameters: one msgspec Struct per route both validates them and documents them."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from django.http import QueryDict
from msgspec import Meta

from apps.gateway.problems import InvalidParameter
from apps.gateway.times import EndTime, StartTime
from apps.telemetry.metrics import BY_NAME
from apps.telemetry.queries import REPORTING_MEANS

MAX_LIMIT = 10_000
MAX_OFFSET = 100_000_000


class MetricChoice:
    """The metrics asked for, every name from the registry, in the order given."""

    def __init__(self, text: str) -> None:
        self.names = tuple(dict.fromkeys(text.split(",")))
        for name in self.names:
            if name not in BY_NAME:
                raise ValueError(
                    f"there is no metric {name[:80]!r}; there are {', '.join(BY_NAME)}"
                )


class Parameters(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of every route's parameters; a parameter that is `None` was not given."""


Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="The most results in one answer.")]
Offset = Annotated[
    int, Meta(ge=0, le=MAX_OFFSET, description="Results to leave out from the start.")
]
Order = Annotated[
    Literal["asc", "desc"], Meta(description="By time: `asc` oldest first, `desc` newest first.")
]
TIME = "RFC 3339, a date, Unix seconds, `now` or `now-5m` (s, m, h, d, w)"
Start = Annotated[
    StartTime,
    Meta(description=f"First instant, inclusive: {TIME}.", examples=["2025-07-18T20:42:00Z"]),
]
End = Annotated[
    EndTime,
    Meta(
        description=f"Last instant, inclusive: {TIME}; a date means the end of that day.",
        examples=["now"],
    ),
]
Metrics = Annotated[
    MetricChoice,
    Meta(
        description="Metrics to answer, comma-separated; all of them and `extra` if left out.",
        examples=["gpu_utilization,power_draw"],
    ),
]

Cluster = Annotated[str, Meta(max_length=128, description="Slug of a cluster.")]
Hostname = Annotated[str, Meta(max_length=253, description="Name of a host.")]
Index = Annotated[
    int, Meta(ge=0, le=32_767, description="Index within a host; only with `hostname`.")
]
Uuid = Annotated[str, Meta(max_length=128, description="UUID of a GPU.")]
Model = Annotated[
    str,
    Meta(max_length=1024, description="Part of the model's name, in any case.", examples=["H100"]),
]

GpuState = Annotated[
    Literal["reporting", "silent", "lost", "never_seen"],
    Meta(description=f"Only in this state. A GPU reports while its {REPORTING_MEANS}."),
]

P = TypeVar("P", bound=Parameters)


def read_parameters(query: QueryDict, type_: type[P]) -> P:
    """The parameters of a request, typed; raises InvalidParameter for the first wrong one."""
    given = {name: _single(name, query.getlist(name)) for name in query}
    try:
        parameters = msgspec.convert(given, type_, strict=False, dec_hook=_parse)
    except msgspec.ValidationError as error:
        raise _explain(error, given, type_) from error
    for name, text in given.items():
        if getattr(parameters, name) is None:  # msgspec reads the text "null" as None
            raise _wrong(name, text, type_)
    return parameters


def parameter_schemas(type_: type[Parameters]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each parameter, without the `null` that stands for 'not given'."""
    _, components = msgspec.json.schema_components(
        [type_], schema_hook=lambda _: {"type": "string"}
    )
    properties = components[type_.__name__]["properties"]
    return {name: _without_null(schema) for name, schema in properties.items()}


def _single(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise InvalidParameter(name, f"it is given {len(values)} times; give it once.")
    if "\0" in values[0]:
        raise InvalidParameter(name, "it holds a NUL character.")
    return values[0]


def _parse(type_: Any, text: str) -> Any:
    return type_(text)


def _explain(
    error: msgspec.ValidationError, given: dict[str, str], type_: type[Parameters]
) -> InvalidParameter:
    for name in given:
        if name not in type_.__struct_fields__:
            known = ", ".join(type_.__struct_fields__)
            return InvalidParameter(name, f"there is no such parameter here; there are {known}.")
    name = str(error).rpartition(" - at `$.")[2].rstrip("`")
    if isinstance(error.__cause__, ValueError):
        return InvalidParameter(name, f"{given[name][:80]!r} cannot be used: {error.__cause__}.")
    return _wrong(name, given[name], type_)


def _wrong(name: str, text: str, type_: type[Parameters]) -> InvalidParameter:
    expected = _expected(parameter_schemas(type_)[name])
    return InvalidParameter(name, f"expected {expected}, got {text[:80]!r}.")


def _expected(schema: dict[str, Any]) -> str:
    """What a parameter must be, in words."""
    if "enum" in schema:
        return " or ".join(schema["enum"])
    if schema["type"] == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    return f"at most {schema['maxLength']} characters"


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in schema.items() if key != "anyOf"}
    options: Iterable[dict[str, Any]] = schema.get("anyOf", ())
    for option in options:
        if option != {"type": "null"}:
            flat |= option
    if flat.get("default", ...) is None:
        del flat["default"]
    if "enum" in flat:
        flat["type"] = "string"
    return flat
