"""What the OpenAPI document says about parameters and errors, the same on every route."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from apps.gateway import openapi_security  # noqa: F401, registers how one signs in
from apps.gateway.parameters import Parameters, parameter_schemas
from apps.gateway.problems import CONTENT_TYPE, INVALID_PARAMETER

PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong, in the form of RFC 9457.",
    "properties": {
        "type": {
            "type": "string",
            "description": f"`about:blank`, or `{INVALID_PARAMETER}` if a parameter is at fault.",
        },
        "title": {"type": "string", "description": "The name of the HTTP status."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "The reason, and what to do about it."},
        "instance": {"type": "string", "description": "The path and query that were asked for."},
        "parameter": {"type": "string", "description": "The query parameter at fault."},
        "errors": {"description": "What is wrong with each part of the request body."},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}

Responses = dict[tuple[int, str], OpenApiResponse]


def document_parameters(type_: type[Parameters]) -> list[OpenApiParameter]:
    """The query parameters of a route."""
    return [_parameter(name, schema) for name, schema in parameter_schemas(type_).items()]


def path_parameter(name: str, description: str, example: str) -> OpenApiParameter:
    """A part of a route's path."""
    return OpenApiParameter(
        name,
        type={"type": "string", "examples": [example]},
        location=OpenApiParameter.PATH,
        description=description,
    )


def problem_response(status: int, description: str) -> Responses:
    """One error of a route, for `extend_schema(responses=...)`."""
    response = OpenApiResponse(PROBLEM_REFERENCE, description=description)
    return {(status, CONTENT_TYPE): response}


def invalid_parameter_response(parameter: str, detail: str, instance: str) -> Responses:
    """The 400 of a route with query parameters, with an example."""
    example = OpenApiExample(
        "invalid parameter",
        {
            "type": INVALID_PARAMETER,
            "title": HTTPStatus.BAD_REQUEST.phrase,
            "status": 400,
            "detail": f"{parameter}: {detail}",
            "instance": instance,
            "parameter": parameter,
        },
    )
    response = OpenApiResponse(
        PROBLEM_REFERENCE,
        description="A parameter is unknown or cannot be read; `parameter` names it.",
        examples=[example],
    )
    return {(400, CONTENT_TYPE): response}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: defines Problem and makes it the default answer of every operation."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    default = {
        "description": "Any other error.",
        "content": {CONTENT_TYPE: {"schema": PROBLEM_REFERENCE}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = default
    return result


def _parameter(name: str, schema: dict[str, Any]) -> OpenApiParameter:
    description = schema.pop("description")
    return OpenApiParameter(
        name, type=schema, location=OpenApiParameter.QUERY, description=description
    )
