"""A database of an older program is brought up to date with all its rows; the service refuses it until then."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from tests.office import NOON

from tidewaiter.actions.retention.retention import rule
from tidewaiter.core.errors import ConflictError
from tidewaiter.faces.cli.records import pending, refuse_pending
from tidewaiter.storage.records.models import Token

pytestmark = pytest.mark.django_db

FIRST = [("records", "0001_initial")]


@pytest.fixture
def oldest(service_database: str) -> Iterator[Any]:
    """Put a database of the first form in the place of the tests' own until the test ends, and give its models."""
    usual = connections["default"]
    connections["default"] = own = usual.copy()
    own.settings_dict["NAME"] = service_database.rpartition("/")[2] if own.vendor == "postgresql" else service_database
    try:
        executor = MigrationExecutor(own)
        executor.migrate(FIRST)
        yield executor.loader.project_state(FIRST).apps
    finally:
        own.close()
        connections["default"] = usual


def _filled(apps: Any) -> None:
    """Write a row of most kinds, each with only what its first form had."""

    def make(name: str, /, **values: Any) -> Any:
        return apps.get_model("records", name).objects.create(**values)

    office = make("Office", code="MAIN", name="Main")
    officer = make("Officer", login="o", name="O", office=office, roles=["examiner"])
    make("Token", digest="t" * 64, label="own", officer=officer, made_at=NOON)
    made = make("PublishedSet", digest="s" * 64, text=b"x", made_at=NOON)
    goods = {"identity": "D1", "draw_day": NOON.date(), "channel": "red"}
    declaration = make(
        "Declaration", declaration_id="D1", version=1, lodged_at=NOON, lodged_on=NOON.date(), decision_id="X", **goods
    )
    make("Mark", kind="document", value="BL1", declaration=declaration, lodged_on=NOON.date())
    chances = {"in_random_sample": True, "selection_probability": 0.02, "random_probability": 0.02}
    rested = {"set": made, "policy_number": 1, "statistics_day": NOON.date(), "image": "i", "catalogue": "c"}
    decided = {"decided_at": NOON, "decided_on": NOON.date(), "answer": "{}", "body": b"b", "facts": b"f"}
    decision = make(
        "Decision", id="X", declaration=declaration, version=1, ordinal=1, cause="lodged", program="0", **goods,
        **chances, **rested, **decided,
    )  # fmt: skip
    act = make(
        "Act", act_id="A1", decision=decision, declaration_id="D1", kind="physical", due_on=NOON.date(), opened_at=NOON
    )
    given = {"state": "final", "outcome": "nothing_found", "row": {"act_id": "A1"}, "by": officer, "known_at": NOON}
    make("Result", act=act, version=1, **given)
    lookout = make(
        "Lookout", reference="LO-1", kind="party", subject={"names": ["X"]}, action="examine", reason="r", contact="c",
        raised_by=officer, raised_at=NOON, valid_from=NOON, expires_at=NOON,
    )  # fmt: skip
    for number in (1, 2):
        make(
            "LookoutMatch",
            lookout=lookout,
            declaration_id="D1",
            version=number,
            certainty="exact",
            value="X",
            met_at=NOON,
        )
    rule = {"days": 30, "legal_basis": "law", "by": officer, "second": officer, "at": NOON}
    make("RetentionRule", kind="declaration", number=1, **rule)
    make("AuditEvent", sequence=1, at=NOON, actor="a", action="b", record="c", previous="0" * 64, hash="1" * 64)


def _rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for table in connection.introspection.table_names(cursor):
            if table.startswith("records_"):
                cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
                counts[table] = cursor.fetchone()[0]
    return {table: count for table, count in counts.items() if count}


def test_a_filled_database_of_the_first_form_is_refused_and_brought_up_to_date_with_every_row(oldest: Any) -> None:
    _filled(oldest)
    before = _rows()
    assert len(before) == 13
    with pytest.raises(ConflictError, match=r"older program.*tidewaiter migrate"):
        refuse_pending()
    known = {name for app, name in MigrationLoader(None).disk_migrations if app == "records"}
    assert pending() == sorted(known - {"0001_initial"})
    call_command("migrate", verbosity=0)
    assert _rows() == before
    assert pending() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT reference FROM records_lookoutmatch")
        references = [reference for (reference,) in cursor.fetchall()]
    assert len(set(references)) == 2, "what was there before has a reference of its own too"
    assert Token.objects.get().state(NOON) == "good", "a token of before asked no second person"
    assert rule("declaration").days == 30, "a rule that two persons had set stays in force"


def test_a_database_that_a_newer_program_changed_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('records', '9999_later', CURRENT_TIMESTAMP)"
        )
    try:
        with pytest.raises(ConflictError, match="newer program"):
            refuse_pending()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "records", check=True, dry_run=True, verbosity=0)
