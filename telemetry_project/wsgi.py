"""The gateway's WSGI application."""

import os

from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries
from django.db.backends.signals import connection_created

from apps.gateway.serving.statements import limit_statements
from apps.gateway.serving.whole import whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemetry_project.settings")

application = whole(get_wsgi_application())
connection_created.connect(limit_statements)
# Done at the end of each request, so not at its start again; nobody reads the log of statements,
# and the cache is this process's memory. Together they are a twentieth of a request's Python.
request_started.disconnect(close_old_connections)
request_started.disconnect(reset_queries)
request_finished.disconnect(close_caches)
