"""What is asked of every group reads the rows of its own goods, however many others came, even before statistics."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from tidewaiter.actions.decisions import goods, same_day
from tidewaiter.actions.decisions.goods import CONTAINER, DOCUMENT
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.records.asking import ask, spelled
from tidewaiter.storage.records.models import Declaration, Mark

ON = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
OTHERS = 1500
DAYS = (ON - date(1970, 1, 1)).days


@pytest.fixture
def others(db: None) -> None:
    """Lodge many declarations of one day, all in flight, each with a document and an importer of its own."""
    del db
    Declaration.objects.bulk_create(
        Declaration(
            declaration_id=f"D{number}", version=1, lodged_at=AT, lodged_on=ON, received_at=AT, received_on=ON,
            channel="green", decision_id=f"D{number}-1", identity=f"D{number}", draw_day=ON,
        )
        for number in range(OTHERS)
    )  # fmt: skip
    Mark.objects.bulk_create(
        Mark(kind=kind, value=f"{kind} {number}", declaration_id=f"D{number}", lodged_on=ON, lodged_at=AT)
        for number in range(OTHERS)
        for kind in (DOCUMENT, "importer_day")
    )


def _same_day() -> None:
    later = int(AT.timestamp() * 1e6) + 1
    asked = [
        SameDayAsked("importer_day", f"N{number}", (f"importer_day {number}",), DAYS, later, later)
        for number in range(4)
    ]
    assert list(same_day.earlier_in_records(asked, {"importer_day": "importer_day"}).values()) == [1, 1, 1, 1]


def _sharing() -> None:
    found = goods.sharing([(DOCUMENT, "document 7"), (CONTAINER, "none")], ON, 30)
    assert [[one.pk for one in under] for under in found.values()] == [["D7"]]


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(("module", "asking"), [(same_day, _same_day), (goods, _sharing)])
def test_a_question_about_a_group_reads_the_marks_of_that_group(
    module: Any, asking: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, Sequence[Any]]] = []

    def overheard(statement: str, marks: Sequence[Any]) -> list[tuple[Any, ...]]:
        said.append((statement, marks))
        return ask(statement, marks)

    monkeypatch.setattr(module, "ask", overheard)
    asking()
    assert said
    for statement, marks in said:
        assert _read(statement, marks) <= 20, statement


def _read(statement: str, marks: Sequence[Any]) -> int:
    """Return how many rows of the records a statement reads; on SQLite, which does not count them, all or none."""
    if connection.vendor == "sqlite":
        plan = ask(f"EXPLAIN QUERY PLAN {statement}", marks)
        whole = [step for *_, step in plan if step.startswith("SCAN") and "VIRTUAL" not in step]
        by_kind_only = [step for *_, step in plan if step.endswith("(kind=?)")]
        return OTHERS * len(whole + by_kind_only)
    connection.ensure_connection()
    told = connection.connection.execute(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {spelled(statement, connection.vendor)}", marks
    ).fetchone()[0]
    return sum(_rows(told[0]["Plan"]))


def _rows(plan: dict[str, Any]) -> list[int]:
    """Return the rows read by each step that reads a table, kept or not."""
    below = [rows for step in plan.get("Plans", ()) for rows in _rows(step)]
    if "Relation Name" not in plan:
        return below
    read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return [*below, int(read * plan["Actual Loops"])]
