"""Every setting of the project, read from the environment with its type.

`var/local.env` (written by `manage.py runlocal`) supplies what the environment leaves out, so that
a command started beside `make run` finds the same servers. A value that cannot be read stops the
start with the setting's name. docs/operating.md explains each.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import environ
from csp.constants import NONCE as CSP_NONCE
from csp.constants import NONE as CSP_NONE
from csp.constants import SELF as CSP_SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
environ.Env.read_env(VAR_DIR / "local.env")


def _time(name: str, default: str) -> datetime:
    text = env.str(name, default=default)
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {text!r}, not an ISO 8601 date or time") from error
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _integer(name: str, default: int, minimum: int, maximum: int) -> int:
    text = env.str(name, default=str(default))
    if not text.isascii() or not text.lstrip("-").isdigit():
        raise ImproperlyConfigured(f"{name} is {text!r}, not a whole number")
    if not minimum <= int(text) <= maximum:
        raise ImproperlyConfigured(f"{name} is {text}, outside {minimum} to {maximum}")
    return int(text)


def _seconds(name: str, default: float) -> float:
    text = env.str(name, default=str(default))
    try:
        value = float(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {text!r}, not a number of seconds") from error
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be above 0")
    return value


def _age(name: str, default: str) -> timedelta:
    text = env.str(name, default=default)
    days = {"d": 1, "w": 7, "y": 365}.get(text[-1:])
    if days is None or not text[:-1].isascii() or not text[:-1].isdigit() or not int(text[:-1]):
        raise ImproperlyConfigured(f"{name} is {text!r}, not a number of days, weeks or years (7d)")
    if days * int(text[:-1]) > 365_000:
        raise ImproperlyConfigured(f"{name} is {text!r}, longer than a thousand years")
    return timedelta(days=days * int(text[:-1]))


def _options(name: str) -> dict[str, object]:
    try:
        options = env.json(name, default={})
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not JSON: {error}") from error
    if not isinstance(options, dict):
        raise ImproperlyConfigured(f'{name} is no object, such as {{"bucket_name": "telemetry"}}')
    return options


# --- Django -----------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# Without SECRET_KEY each process draws its own: right for one-off commands; `rungateway` refuses.
SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
SECRET_KEY_IS_SET = bool(env.str("SECRET_KEY", default=""))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_FAILURE_VIEW = "apps.gateway.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "graphene_django",
    "graphene_django_graphiql_static",
    "corsheaders",
    "csp",
    "axes",
    "apps.telemetry",
    "apps.gateway",
    "apps.dashboard",
    "workers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.gateway.compression.compress",
    "apps.gateway.metrics.requests.count_requests",
    "apps.gateway.cross_origin.share",
    "apps.gateway.content_policy.ContentPolicyMiddleware",
    "apps.gateway.page_middleware.PageSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.gateway.page_middleware.PageAuthenticationMiddleware",
    "apps.gateway.replica_reads.read_from_replica",
    "apps.gateway.page_middleware.PageMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "telemetry_project.urls"
WSGI_APPLICATION = "telemetry_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator",
                 "CommonPasswordValidator", "NumericPasswordValidator")
]  # fmt: skip
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "telemetry_project.formats"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
# `make setup` installs it (apps/dashboard/package.json).
STATICFILES_DIRS = [("vendor/uplot", BASE_DIR / "apps/dashboard/node_modules/uplot/dist")]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "fleet"
# Static files are served from the installed packages: no collect step to forget.
WHITENOISE_USE_FINDERS = True
X_FRAME_OPTIONS = "DENY"

# --- Safety of the web ------------------------------------------------------------------------
# Whether people reach the gateway by HTTPS, which a proxy in front of it speaks.
HTTPS = env.bool("HTTPS", default=not DEBUG)
# How many proxies, one behind the other, are trusted to say whom they ask for, and by HTTPS or not.
NUM_PROXIES = _integer("NUM_PROXIES", 0, 0, 10)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
if NUM_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Without a proxy that says what it was asked by, every request would be redirected for ever.
SECURE_SSL_REDIRECT = HTTPS and NUM_PROXIES > 0
# What machines of the same network ask, past the proxy.
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$"]
# HSTS preloading is a promise about a whole registered domain, which is its owner's to give.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
# Pages of other origins that may read the API in their visitors' browsers; without cookies.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api/|graphql$)"
CORS_EXPOSE_HEADERS = ["ETag", "Location", "Retry-After"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [CSP_SELF],
        "script-src": [CSP_SELF, CSP_NONCE],
        "style-src": [CSP_SELF, CSP_NONCE],
        "img-src": [CSP_SELF, "data:"],
        "object-src": [CSP_NONE],
        "base-uri": [CSP_NONE],
        "form-action": [CSP_SELF],
        "frame-ancestors": [CSP_NONE],
    }
}
# Requests per second of each token or person, and of each address, in each worker process; 0 is no
# limit. More than one worker answers, so that by default they stop nobody but who means harm.
THROTTLE_KEY_PER_S = _integer("THROTTLE_KEY_PER_S", 5_000, 0, 1_000_000)
THROTTLE_ADDRESS_PER_S = _integer("THROTTLE_ADDRESS_PER_S", 5_000, 0, 1_000_000)
THROTTLE_FAILURES_PER_MIN = _integer("THROTTLE_FAILURES_PER_MIN", 60, 0, 1_000_000)
# Wrong passwords of one user from one address: nobody can lock an admin out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # `axes_reset_username` does what there is to do
AXES_CLIENT_IP_CALLABLE = "apps.gateway.access.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "apps.gateway.access.lockout.locked_out"

# --- PostgreSQL -------------------------------------------------------------------------------
DATABASES = {
    "default": env.db_url("DATABASE_URL", default="postgres://telemetry@127.0.0.1:5432/telemetry")
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must be a postgres:// address")
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

if REPLICA_DATABASE_URL := env.str("REPLICA_DATABASE_URL", default=""):
    DATABASES["replica"] = DATABASES["default"] | env.db_url("REPLICA_DATABASE_URL")
    # A network that swallows packets shows after so many milliseconds.
    DATABASES["replica"]["OPTIONS"] = {"connect_timeout": 2, "tcp_user_timeout": 3000} | env.db_url(
        "REPLICA_DATABASE_URL"
    ).get("OPTIONS", {})
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
    DATABASE_ROUTERS = ["apps.telemetry.replica.Router"]
# What a replica may lag before reads go to the primary.
REPLICA_MAX_LAG_S = _seconds("REPLICA_MAX_LAG_S", 5.0)

# --- etcd, the queue --------------------------------------------------------------------------
ETCD_ENDPOINTS = env.list("ETCD_ENDPOINTS", default=["127.0.0.1:2379"])
ETCD_USERNAME = env.str("ETCD_USERNAME", default="")
ETCD_PASSWORD = env.str("ETCD_PASSWORD", default="")
ETCD_CA_CERT = env.str("ETCD_CA_CERT", default="")
ETCD_CLIENT_CERT = env.str("ETCD_CLIENT_CERT", default="")
ETCD_CLIENT_KEY = env.str("ETCD_CLIENT_KEY", default="")
ETCD_TIMEOUT_S = _seconds("ETCD_TIMEOUT_S", 2.0)
# The server's --max-txn-ops; a larger value here than there makes publishing fail.
ETCD_MAX_TXN_OPS = _integer("ETCD_MAX_TXN_OPS", 128, 64, 100_000)
# The server's --quota-backend-bytes; publishing slows down as it fills.
ETCD_QUOTA_BYTES = _integer("ETCD_QUOTA_BYTES", 2 << 30, 16 << 20, 1 << 40)
CLUSTER_ID = env.str("CLUSTER_ID", default="default")
MEMBER_LEASE_S = _integer("MEMBER_LEASE_S", 10, 2, 3600)
# Streamers pause above this many waiting messages.
QUEUE_MAX_DEPTH = _integer("QUEUE_MAX_DEPTH", 1_000_000, 1, 1_000_000_000)

# --- Records ----------------------------------------------------------------------------------
# Samples before this are refused: no DCGM existed, so the clock that wrote them was wrong.
SAMPLE_MIN_TIME = _time("SAMPLE_MIN_TIME", "2015-01-01")

# --- Status -----------------------------------------------------------------------------------
# A GPU is silent when its newest sample is older than so many of its own intervals, and at least so
# many seconds; it is lost when that is ten times as old, and at least so many seconds.
STATUS_SILENT_INTERVALS = _integer("STATUS_SILENT_INTERVALS", 3, 1, 1000)
STATUS_SILENT_MIN_S = _seconds("STATUS_SILENT_MIN_S", 30.0)
STATUS_LOST_MIN_S = _seconds("STATUS_LOST_MIN_S", 3600.0)

# --- Gateway ----------------------------------------------------------------------------------
# Lets anybody read the API without signing in; `make run` sets it on loopback.
PUBLIC_READ = env.bool("PUBLIC_READ", default=False)
# WebSockets and event streams of one worker process; what each costs is in docs/live.md.
LIVE_MAX_CONNECTIONS = _integer("LIVE_MAX_CONNECTIONS", 2000, 1, 100_000)
# GraphQL: whether the schema may be asked for, and whether /graphql shows GraphiQL to a browser.
GRAPHQL_INTROSPECTION = env.bool("GRAPHQL_INTROSPECTION", default=DEBUG)
GRAPHIQL = env.bool("GRAPHIQL", default=DEBUG)
GRAPHENE = {"SCHEMA": "apps.gateway.graphql.query.SCHEMA"}
# Uploaded files wait here for a streamer; gateways and streamers must see the same ones.
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(VAR_DIR / "media"))
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o750
UPLOAD_MAX_BYTES = _integer("UPLOAD_MAX_BYTES", 4 << 30, 1024, 1 << 50)
# Of compressed files only: what they may become.
UPLOAD_MAX_INFLATED_BYTES = _integer("UPLOAD_MAX_INFLATED_BYTES", 64 << 30, 1024, 1 << 60)
# Of one request to /api/v1/ingest, compressed or not.
INGEST_MAX_BYTES = _integer("INGEST_MAX_BYTES", 16 << 20, 1024, 1 << 30)
INGEST_TIMEOUT_S = _seconds("INGEST_TIMEOUT_S", 5.0)
# Of one statement of the gateway: a question that costs more is refused.
STATEMENT_TIMEOUT_S = _seconds("STATEMENT_TIMEOUT_S", 30.0)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.gateway.access.authentication.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.gateway.access.permission.RoleAccess"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.gateway.rest.formats.JsonNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.gateway.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Elastic GPU Telemetry",
    "DESCRIPTION": (
        "The fleet and its telemetry. A GPU is addressed by its UUID. Times are UTC, units are in "
        "each metric's description, and a metric that is null was not reported. Every error is a "
        "problem document (RFC 9457)."
    ),
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SORT_OPERATION_PARAMETERS": False,
    "ENUM_NAME_OVERRIDES": {
        "RawResolution": ["raw"],
        "BucketResolution": ["1m", "1h"],
        "GpuState": ["reporting", "silent", "lost", "never_seen"],
        "UploadState": ["waiting", "streaming", "done", "failed", "cancelled"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.gateway.openapi.add_problems",
    ],
    "TAGS": [
        {"name": "fleet", "description": "Hosts and GPUs."},
        {"name": "telemetry", "description": "What GPUs reported."},
        {"name": "ingest", "description": "Ways in: files and records."},
        {"name": "operation", "description": "State of the gateway itself."},
    ],
}

# --- History ----------------------------------------------------------------------------------
# How long samples and their roll-ups stay in PostgreSQL, a whole partition at a time.
RETENTION_RAW = _age("RETENTION_RAW", "7d")
RETENTION_1M = _age("RETENTION_1M", "90d")
RETENTION_1H = _age("RETENTION_1H", "2y")
# With it, samples leave PostgreSQL only once they are in the archive; without it, they are gone.
ARCHIVE = env.bool("ARCHIVE", default=True)
ARCHIVE_DIR = env.str("ARCHIVE_DIR", default=str(VAR_DIR / "archive"))
# Any storage of Django's, with its options as JSON.
ARCHIVE_STORAGE = env.str("ARCHIVE_STORAGE", default="apps.telemetry.archive.folder.ArchiveFolder")
ARCHIVE_STORAGE_OPTIONS = _options("ARCHIVE_STORAGE_OPTIONS")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "archive": {"BACKEND": ARCHIVE_STORAGE, "OPTIONS": ARCHIVE_STORAGE_OPTIONS},
}

# --- Periodic tasks ---------------------------------------------------------------------------
# A folder is broker enough on one machine; several machines share a redis:// address.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost")
CELERY_DIR = VAR_DIR / "celery"
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(CELERY_DIR / "messages"),
        "data_folder_out": str(CELERY_DIR / "messages"),
        "control_folder": str(CELERY_DIR / "control"),
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "telemetry"
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Nobody listens to remote control and events, and they keep an idle worker busy.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULE_FILENAME = str(CELERY_DIR / "beat")
PERIODIC_TASKS = {
    "telemetry.make_partitions": timedelta(hours=1),
    "telemetry.roll_up": timedelta(seconds=30),
    "telemetry.snapshot_queue": timedelta(seconds=30),
    "telemetry.archive": timedelta(hours=1),
    "telemetry.apply_retention": timedelta(hours=1),
}
# The clock asks at least once a minute, and apps/telemetry/periodic.py knows whether it is time: so
# what failed is tried again soon. `expires`: a question that nobody took is asked anew.
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": asked_every, "options": {"expires": asked_every.seconds}}
    for name, every in PERIODIC_TASKS.items()
    for asked_every in (min(every, timedelta(minutes=1)),)
}

# --- Logging ----------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Celery's lines for each question of the clock; failures are still logged.
    "loggers": {
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
