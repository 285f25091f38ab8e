"""What processes do in the tests of backups and purges: `python -m tests.backup_scenes SCENE`, the rest by environment.

Each prints one JSON object. The database, the lake and the attachments are those of TIDEWAITER_DATABASE,
TIDEWAITER_LAKE and TIDEWAITER_ATTACHMENTS.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from tests.examined import POLICY  # noqa: E402
from tests.office import a_client, an_office, an_officer  # noqa: E402
from tests.service_world import KEYS, NOW, history, lodged, published  # noqa: E402

from tidewaiter.actions.acting import SERVICE  # noqa: E402
from tidewaiter.actions.administration import client_content  # noqa: E402
from tidewaiter.actions.audit.auditing import verify  # noqa: E402
from tidewaiter.actions.decisions.events import record_events  # noqa: E402
from tidewaiter.actions.decisions.group import decide_group  # noqa: E402
from tidewaiter.actions.examinations.acts import open_acts  # noqa: E402
from tidewaiter.actions.examinations.attachments import add_attachment  # noqa: E402
from tidewaiter.actions.lake.copying import anything_uncopied, copy_to_lake  # noqa: E402
from tidewaiter.actions.officers import officer_content  # noqa: E402
from tidewaiter.actions.operation.backing_up import make_backup  # noqa: E402
from tidewaiter.actions.retention.purge_lists import applied_lists, lists_to_json  # noqa: E402
from tidewaiter.actions.retention.purging import approve_purge, make_purge, run_purge  # noqa: E402
from tidewaiter.core.role import Role  # noqa: E402
from tidewaiter.storage.attachments import Attachments  # noqa: E402
from tidewaiter.storage.lake.lake import Lake  # noqa: E402
from tidewaiter.storage.records import models  # noqa: E402
from tidewaiter.storage.records.audit import Entry, append  # noqa: E402

LAKE = Path(os.environ["TIDEWAITER_LAKE"])
STORE = Attachments(Path(settings.ATTACHMENTS))
PDF = b"%PDF-1.7\n% SAMSA GMBH, Charlottenstrasse\n"


def fill() -> object:
    """Make an installation with an officer, a lake, a published set and twenty declarations, one of them with words."""
    call_command("migrate", verbosity=0)
    an_office()
    for role in (Role.PRIVACY_OFFICER, Role.INSPECTORATE, Role.MANAGER):
        _recorded(an_officer(role, login=role.value, office="MAIN"))
    history(LAKE)
    standing = published(Lake.open(LAKE))
    decide_group(standing, KEYS, [(lodged(f"A{n}"), SERVICE) for n in range(20)], NOW)
    named = lodged(
        "SAMSA1",
        importer_code="SAMSAGREGOR",
        importer_name="SAMSA GMBH",
        importer_address="Charlottenstrasse",
        previous_document="BLSAMSA77",
        containers=["SAMU7777770"],
        description="cockroach costume",
    )
    decide_group(standing, KEYS, [(named, SERVICE)], NOW)
    _attached()
    return _packed()


def _packed() -> list[str]:
    """Return pieces, as hexadecimal, of what is kept compressed of the declaration with words."""
    lodgement = models.Lodgement.objects.get(declaration_id="SAMSA1")
    decision = models.Decision.objects.get(declaration_id="SAMSA1")
    kept = (bytes(lodgement.rows), bytes(decision.body), bytes(decision.facts))
    return [one[len(one) // 2 :][:24].hex() for one in kept]


def _recorded(officer: models.Officer) -> None:
    with transaction.atomic():
        content = officer_content(officer)
        append([Entry(actor="test", action="officer.add", record=officer.reference, content=content)], at=NOW)


def _attached() -> None:
    officer = models.Officer.objects.get(login=Role.MANAGER.value)
    given = {"name": "SAMSA GMBH.pdf", "kind": "application/pdf", "content": PDF}
    add_attachment(about="declaration:SAMSA1", **given, store=STORE, by=officer, at=NOW)  # type: ignore[arg-type]


def backup_while_writing() -> object:
    """Make a backup while another thread decides; say how many decisions there were before, and after."""
    standing = published(Lake.open(LAKE))
    before, stopped, count = models.Decision.objects.count(), threading.Event(), [0]

    def write() -> None:
        while not stopped.is_set():
            decide_group(standing, KEYS, [(lodged(f"W{count[0]}"), SERVICE)], NOW)
            count[0] += 1
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    while count[0] < 3:
        stopped.wait(0.01)
    begun = count[0]
    make_backup(folder=Path(os.environ["BACKUP"]), lake=LAKE, store=STORE, by=SERVICE, at=NOW)
    ended = count[0]
    stopped.set()
    writer.join()
    return {"before": before, "begun": begun, "ended": ended, "decisions": decisions()}


def decisions() -> dict[str, str]:
    """Return the answer to every declaration that was decided."""
    return dict(models.Decision.objects.order_by("pk").values_list("pk", "answer"))


def verified() -> object:
    """Verify the audit, and tell what the installation holds."""
    found = verify()
    return {
        "problems": [one.text for one in found.findings],
        "decisions": decisions(),
        "attachments": sorted(path.name for path in STORE.folder.rglob("*") if path.is_file()),
        "lake": Lake.open(LAKE).snapshot().rows("declarations"),
    }


def purge() -> object:
    """Release and copy the declaration with words, purge it by two persons, and give out the list."""
    event = {"event_id": "R1", "kind": "released", "occurred_at": NOW, "declaration_id": "SAMSA1"}
    with transaction.atomic():
        open_acts([models.Decision.objects.get(declaration_id="SAMSA1")], policy=POLICY, at=NOW)
    record_events(events=[event], by=a_client(), at=NOW)
    _recorded_clients()
    while anything_uncopied():
        copy_to_lake(lake=LAKE, by=SERVICE, at=NOW)
    at = NOW + timedelta(days=4000)
    by = models.Officer.objects.get(login=Role.PRIVACY_OFFICER.value)
    made = make_purge(records=["declaration:SAMSA1"], reason="past its period", by=by, at=at)
    approve_purge(number=made.pk, by=models.Officer.objects.get(login=Role.INSPECTORATE.value), at=at)
    done = run_purge(number=made.pk, lake=LAKE, store=STORE, by=by, at=at)
    Path(os.environ["LISTS"]).write_text(lists_to_json(applied_lists()))
    return {"records": done.records, "stayed": done.stayed, "backups": len(done.backups)}


def _recorded_clients() -> None:
    client = models.ClientSystem.objects.get()
    with transaction.atomic():
        content = client_content(client)
        append([Entry(actor="test", action="client.add", record=client.reference, content=content)], at=NOW)


def data_folder() -> object:
    """Return where a PostgreSQL server keeps the files of this database, once all that was written stands in them."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        (number,) = cursor.fetchone()
        cursor.execute("SHOW data_directory")
        (folder,) = cursor.fetchone()
    return f"{folder}/base/{number}"


SCENES: dict[str, Callable[[], object]] = {
    one.__name__: one for one in (fill, backup_while_writing, verified, purge, data_folder)
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(SCENES[sys.argv[1]]()))
