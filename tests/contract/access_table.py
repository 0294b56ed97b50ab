"""Who may do what at every route: the table that test_access_table.py walks.

A route is as its pattern is written. Every kind says what each of VISITORS gets from the methods
that it lists; any other method is answered 405, to everybody, where the kind does not say else.
"""

from dataclasses import dataclass, field

# `scoped` ones may see the cluster `b` only; what the routes name is in `a`, which is CLUSTER_ID.
VISITORS = ("nobody", "viewer", "scoped viewer", "scoped operator", "operator", "admin")
OK, ANYTHING = "ok", "anything"
SIGN_IN, FORBIDDEN, MISSING, REDIRECTED = 401, 403, 404, 302


@dataclass(frozen=True)
class Kind:
    """What each visitor gets, in the order of VISITORS, from each method."""

    methods: dict[str, tuple[str | int, ...]]
    others: str | int = 405
    accept: str = "*/*"


@dataclass(frozen=True)
class Route:
    """A route of a kind, and what completes its address."""

    kind: Kind
    query: str = ""
    names: dict[str, str] = field(default_factory=dict)


def _reading(*expected: str | int) -> dict[str, tuple[str | int, ...]]:
    return {"GET": expected, "HEAD": expected}


EVERYBODY = Kind(_reading(OK, OK, OK, OK, OK, OK))
# What tells of all clusters that one may see.
LIST = Kind(_reading(SIGN_IN, OK, OK, OK, OK, OK))
# A thing of cluster `a`.
THING = Kind(_reading(SIGN_IN, OK, MISSING, MISSING, OK, OK))
# What is about CLUSTER_ID as a whole.
OWN = Kind(_reading(SIGN_IN, OK, FORBIDDEN, FORBIDDEN, OK, OK))
SENDING = Kind({"POST": (SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, OK, OK)})
ASKING = Kind(dict.fromkeys(("GET", "POST"), (SIGN_IN, OK, OK, OK, OK, OK)))
# Django's admin knows sessions only, so a token is nobody there.
ADMIN = Kind({"GET": (REDIRECTED,) * 6}, others=ANYTHING, accept="text/html")
# Pages are shells without data, for everybody; what they show comes from the API.
PAGE = Kind({"GET": (OK,) * 6}, others=ANYTHING, accept="text/html")
LEAVING = Kind({"POST": (REDIRECTED,) * 6}, others=ANYTHING)
ICON = Kind({"GET": (OK,) * 6}, others=ANYTHING)

GPU = {"uuid": "GPU-host-a-0"}
HOST = {"hostname": "host-a"}

TABLE = {
    "": Route(PAGE),
    "hosts/<str:hostname>": Route(PAGE, names=HOST),
    "gpus/<str:uuid>": Route(PAGE, names=GPU),
    "pipeline": Route(PAGE),
    "upload": Route(PAGE),
    "login": Route(PAGE),
    "logout": Route(LEAVING),
    "favicon.ico": Route(ICON),
    "admin/": Route(ADMIN),
    "health": Route(EVERYBODY),
    "ready": Route(EVERYBODY),
    "metrics": Route(OWN),
    "graphql": Route(ASKING, query="?query={__typename}"),
    "api/schema/": Route(EVERYBODY),
    "api/docs/": Route(EVERYBODY),
    "api/redoc/": Route(EVERYBODY),
    "api/v1/clusters": Route(LIST),
    "api/v1/clusters/<name:slug>": Route(THING, names={"slug": "a"}),
    "api/v1/hosts": Route(LIST),
    "api/v1/hosts/<name:hostname>": Route(THING, names=HOST),
    "api/v1/hosts/<name:hostname>/gpus": Route(THING, names=HOST),
    "api/v1/gpus": Route(LIST),
    "api/v1/gpus/<name:uuid>": Route(THING, names=GPU),
    "api/v1/gpus/<name:uuid>/telemetry": Route(THING, names=GPU),
    "api/v1/gpus/<name:uuid>/telemetry/summary": Route(THING, names=GPU),
    "api/v1/telemetry": Route(LIST),
    "api/v1/telemetry/latest": Route(LIST),
    "api/v1/metrics": Route(LIST),
    "api/v1/models": Route(LIST),
    "api/v1/stats": Route(LIST),
    "api/v1/pipeline": Route(OWN),
    "api/v1/ingest": Route(SENDING),
    "api/v1/csv/upload": Route(SENDING),
    "api/v1/csv/uploads": Route(OWN),
    "api/v1/csv/uploads/<uuid:upload_id>": Route(OWN),
    "api/v1/csv/uploads/<uuid:upload_id>/cancel": Route(SENDING),
    "api/v1/csv/uploads/<uuid:upload_id>/retry": Route(SENDING),
}
# The answer to what is no route.
UNMATCHED = {"^(?:api|graphql|health|ready|metrics|ws)/"}
# What Django does not route: the code that closes an open socket, the status of the stream.
SOCKETS = {
    "/ws/telemetry/": (4001, OK, OK, OK, OK, OK),
    "/ws/pipeline/": (4001, OK, 4003, 4003, OK, OK),
}
STREAM = (SIGN_IN, OK, OK, OK, OK, OK)
