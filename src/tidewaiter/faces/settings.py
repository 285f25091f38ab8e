"""Django's settings, the same for every face, from the environment.

TIDEWAITER_DATABASE names the records: a file (or sqlite:///file) for SQLite, postgresql://user@host:port/name for
PostgreSQL; without it records.sqlite3 in the working folder. TIDEWAITER_ATTACHMENTS names the folder of the files kept
with records; without it attachments in the working folder. Nothing here needs a secret: there are no sessions yet
and tokens are kept as digests.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DATABASE_VARIABLE = "TIDEWAITER_DATABASE"
DEFAULT_DATABASE = "records.sqlite3"
ATTACHMENTS_VARIABLE = "TIDEWAITER_ATTACHMENTS"
DEFAULT_ATTACHMENTS = "attachments"

BUSY_SECONDS = 20

_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536;"
"""A decision is on the disk before it is answered: synchronous=FULL makes each commit wait for it."""


def database_of(name: str) -> dict[str, Any]:
    """Return Django's settings for the database of that name: a file, sqlite:///file or postgresql://..."""
    if name.startswith(("postgresql://", "postgres://")):
        return _postgresql(name)
    file = name.removeprefix("sqlite:///")
    return {
        "ENGINE": "tidewaiter.storage.records.sqlite",
        "NAME": str(Path(file).absolute()),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": BUSY_SECONDS, "init_command": _PRAGMAS},
        "TEST": {"NAME": ":memory:"},
    }


def _postgresql(name: str) -> dict[str, Any]:
    parts = urlsplit(name)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "OPTIONS": query,
    }


SECRET_KEY = "not used: nothing is signed or encrypted with it"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["tidewaiter.storage.records"]
MIDDLEWARE = ["tidewaiter.faces.api.observing.Observed"]
ROOT_URLCONF = "tidewaiter.faces.urls"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database_of(os.environ.get(DATABASE_VARIABLE, DEFAULT_DATABASE))}
LOGGING_CONFIG = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
APPEND_SLASH = False
ATTACHMENTS = str(Path(os.environ.get(ATTACHMENTS_VARIABLE, DEFAULT_ATTACHMENTS)).absolute())
