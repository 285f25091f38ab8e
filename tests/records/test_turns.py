"""Writers of SQLite in turn: one that writes without a break lets others in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNTING = """
import sys, time
import django; django.setup()
from django.db import connection, transaction
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE turn (count INTEGER)")
    cursor.execute("INSERT INTO turn VALUES (0)")
    print("ready", flush=True)
    while True:
        with transaction.atomic():
            cursor.execute("UPDATE turn SET count = count + 1")
            time.sleep(0.01)
"""
ASKING = """
import django; django.setup()
from django.db import connection, transaction
most = 0
with connection.cursor() as cursor:
    for _ in range(30):
        cursor.execute("SELECT count FROM turn")
        before = cursor.fetchone()[0]
        with transaction.atomic():
            cursor.execute("SELECT count FROM turn")
            most = max(most, cursor.fetchone()[0] - before)
print(most)
"""


@pytest.mark.skipif(
    os.environ.get("TIDEWAITER_DATABASE", "").startswith("postgresql://"), reason="PostgreSQL wakes who waits"
)
def test_a_writer_without_a_break_lets_others_write(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "TIDEWAITER_DATABASE": str(tmp_path / "records.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "tidewaiter.faces.settings",
    }
    with subprocess.Popen([sys.executable, "-c", COUNTING], env=environment, stdout=subprocess.PIPE, text=True) as busy:
        try:
            assert busy.stdout is not None
            assert busy.stdout.readline() == "ready\n"
            command = [sys.executable, "-c", ASKING]
            asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        finally:
            busy.kill()
    assert asked.returncode == 0, asked.stderr
    assert int(asked.stdout) <= 3
