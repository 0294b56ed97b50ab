"""GraphiQL, a page to write queries in, from assets of this host; only where GRAPHIQL is set."""

from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render


def wants_page(request: HttpRequest) -> bool:
    """Whether a browser opens the address, rather than a program asking for data."""
    return (
        request.method == "GET"
        and "query" not in request.GET
        and "text/html" in request.headers.get("Accept", "")
    )


@csp_update({"font-src": ["'self'", "data:"]})
def graphiql_page(request: HttpRequest) -> HttpResponseBase:
    """The page, which tells nothing about the fleet; its queries are authenticated as any other."""
    return render(request, "gateway/graphiql.html")
