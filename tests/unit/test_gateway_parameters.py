"""Query parameters are typed, bounded and named when they are wrong."""

from typing import Annotated, Any

import pytest
from django.http import QueryDict
from msgspec import Meta

from apps.gateway.cursors import CursorText, write_cursor
from apps.gateway.openapi import document_parameters
from apps.gateway.parameters import (
    End,
    Limit,
    Metrics,
    Order,
    Parameters,
    Start,
    read_parameters,
)
from apps.gateway.problems import InvalidParameter


class Example(Parameters):
    start_time: Start | None = None
    end_time: End | None = None
    limit: Limit = 100
    order: Order = "asc"
    metrics: Metrics | None = None
    gpu_id: Annotated[int, Meta(ge=0, le=7, description="Index.")] | None = None
    hostname: Annotated[str, Meta(max_length=5, description="Host.")] | None = None


def test_parameters_that_are_not_given_have_their_defaults():
    given = read_parameters(QueryDict(""), Example)
    assert (given.limit, given.order, given.start_time, given.gpu_id) == (100, "asc", None, None)


def test_parameters_are_read_as_their_types():
    query = QueryDict("limit=7&order=desc&metrics=power_draw,temperature&gpu_id=0&start_time=0")
    given = read_parameters(query, Example)
    assert (given.limit, given.order, given.gpu_id) == (7, "desc", 0)
    assert given.metrics is not None
    assert given.start_time is not None
    assert given.metrics.names == ("power_draw", "temperature")
    assert given.start_time.at.isoformat() == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "parameter", "says"),
    [
        ("start=now", "start", "start_time"),
        ("limit=0", "limit", "from 1 to 10000"),
        ("limit=10001", "limit", "from 1 to 10000"),
        ("limit=many", "limit", "'many'"),
        ("limit=", "limit", "whole number"),
        ("limit=1&limit=2", "limit", "2 times"),
        ("order=up", "order", "asc or desc"),
        ("gpu_id=null", "gpu_id", "from 0 to 7"),
        ("gpu_id=-1", "gpu_id", "from 0 to 7"),
        ("hostname=abcdef", "hostname", "at most 5 characters"),
        ("hostname=%00", "hostname", "NUL"),
        ("start_time=x", "start_time", "RFC 3339"),
        ("end_time=x", "end_time", "RFC 3339"),
        ("metrics=power_draw,drop%20table", "metrics", "no metric 'drop table'"),
        ("metrics=", "metrics", "no metric ''"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_expected(query, parameter, says):
    with pytest.raises(InvalidParameter, match=says) as caught:
        read_parameters(QueryDict(query), Example)
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("name", ["limit", "start_time", "end_time", "metrics", "hostname"])
def test_of_a_huge_value_only_the_beginning_is_given_back(name):
    with pytest.raises(InvalidParameter) as caught:
        read_parameters(QueryDict(f"{name}={'a' * 5000}"), Example)
    assert "a" * 40 in str(caught.value)
    assert "a" * 81 not in str(caught.value)


def test_the_documentation_has_the_bounds_that_are_enforced():
    documented: dict[str, Any] = {
        parameter.name: parameter for parameter in document_parameters(Example)
    }
    assert documented["limit"].type == {
        "type": "integer", "minimum": 1, "maximum": 10_000, "default": 100,
    }  # fmt: skip
    assert documented["order"].type["enum"] == ["asc", "desc"]
    assert documented["gpu_id"].type == {"type": "integer", "minimum": 0, "maximum": 7}
    assert all(parameter.description for parameter in documented.values())


@pytest.mark.parametrize("text", ["after-1752871354000000", "before-1752871354000001", "after--5"])
def test_a_cursor_is_written_as_it_was_read(text):
    assert write_cursor(CursorText(text).cursor) == text


@pytest.mark.parametrize("text", ["", "after-", "1752871354", "after-1e5", "after-9" + "9" * 17])
def test_a_cursor_that_nobody_wrote_is_refused(text):
    with pytest.raises(ValueError, match="copy it"):
        CursorText(text)
