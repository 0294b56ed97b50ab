"""Every setting of the project, read from the environment with its type.

`var/local.env` (written by `manage.py runlocal`) supplies what the environment leaves out, so that
a command started beside `make run` finds the same servers. A value that cannot be read stops the
start with the setting's name. docs/operating.md explains each.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import environ
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


# --- Django -----------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# Without SECRET_KEY each process draws its own: right for one-off commands; `rungateway` refuses.
SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
SECRET_KEY_IS_SET = bool(env.str("SECRET_KEY", default=""))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
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
    "apps.telemetry",
    "apps.gateway",
    "workers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.gateway.metrics.requests.count_requests",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator",
                 "CommonPasswordValidator", "NumericPasswordValidator")
]  # fmt: skip
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
# Static files are served from the installed packages: no collect step to forget.
WHITENOISE_USE_FINDERS = True
X_FRAME_OPTIONS = "DENY"

# --- PostgreSQL -------------------------------------------------------------------------------
DATABASES = {
    "default": env.db_url("DATABASE_URL", default="postgres://telemetry@127.0.0.1:5432/telemetry")
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must be a postgres:// address")
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

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

# --- Gateway ----------------------------------------------------------------------------------
# Lets anybody read the API without signing in; `make run` sets it on loopback.
PUBLIC_READ = env.bool("PUBLIC_READ", default=False)
# Uploaded files wait here for a streamer; gateways and streamers must see the same ones.
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(VAR_DIR / "media"))
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o750
UPLOAD_MAX_BYTES = _integer("UPLOAD_MAX_BYTES", 4 << 30, 1024, 1 << 50)
# Of compressed files only: what they may become.
UPLOAD_MAX_INFLATED_BYTES = _integer("UPLOAD_MAX_INFLATED_BYTES", 64 << 30, 1024, 1 << 60)
# Of one request to /api/v1/ingest, compressed or not.
INGEST_MAX_BYTES = _integer("INGEST_MAX_BYTES", 16 << 20, 1024, 1 << 30)
INGEST_TIMEOUT_S = _seconds("INGEST_TIMEOUT_S", 5.0)
REST_FRAMEWORK = {
    # Basic comes first: it is what a 401 tells a program to use.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.gateway.permissions.ReadAccess"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
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
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SORT_OPERATION_PARAMETERS": False,
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
# `expires`: runs missed while no worker was there are not made up for one by one.
CELERY_BEAT_SCHEDULE = {
    "make partitions": {
        "task": "telemetry.make_partitions",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
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
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
