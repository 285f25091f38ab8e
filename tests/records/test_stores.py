"""Records are tested on SQLite and on PostgreSQL; a decision is on the disk before it is answered, on either."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

ROOT = Path(__file__).parents[2]


@pytest.mark.django_db
def test_the_records_are_on_the_store_that_the_run_names() -> None:
    named = os.environ.get("TIDEWAITER_DATABASE", "").partition(":")[0]
    assert connection.vendor == ("postgresql" if named == "postgresql" else "sqlite")


@pytest.mark.django_db
def test_a_commit_waits_for_the_disk() -> None:
    question = "SHOW fsync" if connection.vendor == "postgresql" else "PRAGMA synchronous"
    with connection.cursor() as cursor:
        cursor.execute(question)
        assert cursor.fetchone()[0] in {"on", 2}


def test_a_service_gets_an_empty_database_of_its_own(service_database: str) -> None:
    code = (
        "import django; django.setup(); from django.db import connection;"
        "connection.ensure_connection(); print(connection.vendor, connection.introspection.table_names())"
    )
    settings = {"TIDEWAITER_DATABASE": service_database, "DJANGO_SETTINGS_MODULE": "tidewaiter.faces.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"{connections['default'].vendor} []\n"


@pytest.mark.slow
def test_a_server_ends_with_its_command_and_the_command_says_how() -> None:
    code = "import os, sys; print(os.environ['TIDEWAITER_DATABASE']); sys.exit(3)"
    command = [sys.executable, "-m", "tests.postgres_server", sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (3, "")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(ran.stdout.strip(), connect_timeout=5)
