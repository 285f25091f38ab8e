"""The auditor's check of one day's draw among many days of lodgements.

`python -m bench.draw_check [ON_THE_DAY] [IN_ALL]` (20,000 and 500,000): declarations of one item, each under a document
of its own, one in ten in a container that another used three days before, routed and written as the service does.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tidewaiter.faces.django_start import start_django

START = datetime(2024, 3, 4, tzinfo=UTC)


def main() -> None:
    """Fill records and measure."""
    on_the_day, in_all = ([int(one) for one in sys.argv[1:]] + [20_000, 500_000][len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TIDEWAITER_DATABASE"] = f"{folder}/records.sqlite3"
        start_django()
        from django.core.management import call_command  # noqa: PLC0415  Django is set up first

        call_command("migrate", verbosity=0)
        _measure(Path(folder), on_the_day, in_all)


def _measure(folder: Path, on_the_day: int, in_all: int) -> None:
    from tests.office import an_officer  # noqa: PLC0415
    from tests.service_world import CATALOGUE, KEYS, history, published  # noqa: PLC0415

    from tidewaiter.actions.audit.draw_checking import verify_draw  # noqa: PLC0415
    from tidewaiter.core.role import Role  # noqa: PLC0415

    standing = published(history(folder / "lake"))
    began = time.monotonic()
    for part in batched(_declared(on_the_day, in_all), 10_000):
        _keep(standing, part)
    print(f"written in {time.monotonic() - began:.0f} s")
    day, by = START.date() + timedelta(days=in_all // on_the_day // 2), an_officer(Role.INSPECTORATE)
    began = time.monotonic()
    at = START + timedelta(days=90)
    key, zone = KEYS.day_key(day), ZoneInfo("UTC")
    found = verify_draw(day=day, key=key, zone=zone, catalogue=CATALOGUE, by=by, at=at)
    took, peak = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = f"{found.declarations:,} declarations of {in_all:,}: {took:.1f} s, peak {peak:.0f} MB"
    print(told, found.discrepancies[:3])


type Declared = tuple[int, date, datetime, tuple[dict[str, Any], ...]]


def _declared(on_the_day: int, in_all: int) -> Iterator[Declared]:
    """Give declarations in their order; one in ten shares its container with one of three days before."""
    from tests.service_world import lodged  # noqa: PLC0415

    for number in range(in_all):
        days, place = divmod(number, on_the_day)
        at = START + timedelta(days=days, seconds=80_000 * place / on_the_day)
        shared = number - 3 * on_the_day if place % 10 == 0 and days >= 3 else number
        fields: dict[str, Any] = {
            "previous_document": f"BL{number}",
            "containers": [f"CSQU{shared:07}"],
            "lodged_at": at,
        }
        yield number, at.date(), at, tuple(dict(row) for row in lodged(f"D{number}", **fields).rows)


def _keep(standing: Any, declared: tuple[Declared, ...]) -> None:
    """Write declarations, versions, marks, draws and decisions as the service does, without the rest."""
    from django.db import transaction  # noqa: PLC0415
    from tests.service_world import CATALOGUE, KEYS  # noqa: PLC0415

    from tidewaiter.actions.decisions.goods import Identities, goods_marks, hand_on  # noqa: PLC0415
    from tidewaiter.actions.decisions.keeping import body_text  # noqa: PLC0415
    from tidewaiter.actions.draws import draw_of, lodge_within  # noqa: PLC0415
    from tidewaiter.actions.packing import packed  # noqa: PLC0415
    from tidewaiter.actions.rows import rows_to_json  # noqa: PLC0415
    from tidewaiter.core.decision import Circumstances  # noqa: PLC0415
    from tidewaiter.engines.selection.routing import Hits, Subject, route  # noqa: PLC0415
    from tidewaiter.storage.records import models  # noqa: PLC0415
    from tidewaiter.storage.records.inserting import insert, insert_values  # noqa: PLC0415

    assert CATALOGUE is standing.catalogue
    with transaction.atomic():
        marks = [mark for *_, rows in declared for mark in goods_marks(rows)]
        identities = Identities.of(marks, hand_on(standing.content.policy))
        held: list[tuple[Any, ...]] = []
        lodgements: list[tuple[Any, ...]] = []
        found: list[tuple[Any, ...]] = []
        decisions: list[Any] = []
        for number, on, at, rows in declared:
            name = f"D{number}"
            lodge_within(on, KEYS, at)
            drawn = identities.drawn(rows, on)
            subject = Subject(declaration_id=name, version=1, office="MAIN", trusted_trader=None, chapters={1: "64"})
            beside = Circumstances(drawn_beside=drawn.beside)
            decision = route(subject, Hits(), standing.force.force.selectivity, draw_of(KEYS, drawn), beside)
            held.append((name, 1, at, on, at, on, "MAIN", "", "I1", decision.channel.value, name, drawn.identity,
                         drawn.day, [], True))  # fmt: skip
            text = rows_to_json(rows)
            lodgements.append((name, 1, "0" * 64, packed(text), at, "client:1", None))
            found += [(kind, value, name, 1, on, at) for kind, value in goods_marks(rows)]
            body = packed(body_text(decision, {}))
            decisions.append(_decision(models, standing, name, on, at, decision, drawn, body))
        insert_values(models.Declaration, _HELD, held)
        insert_values(models.Lodgement, _LODGED, lodgements)
        insert_values(models.Mark, ("kind", "value", "declaration_id", "version", "lodged_on", "lodged_at"), found)
        insert(decisions)
        identities.keep(declared[0][1])


_HELD = (
    "declaration_id", "version", "lodged_at", "lodged_on", "received_at", "received_on", "office", "declarant_code",
    "importer_code", "channel", "decision_id", "identity", "draw_day", "held_by", "in_flight",
)  # fmt: skip
_LODGED = ("declaration_id", "version", "content_digest", "rows", "received_at", "client", "copied_at")


def _decision(models: Any, standing: Any, name: str, on: date, at: datetime, made: Any, drawn: Any, body: bytes) -> Any:
    return models.Decision(
        id=name, declaration_id=name, version=1, ordinal=1, cause="lodged", decided_at=at, decided_on=on,
        office="MAIN", channel=made.channel.value, in_random_sample=made.in_random_sample,
        selection_probability=made.selection_probability, random_probability=made.random_probability, answer="{}",
        body=body, facts=b"", set_id=standing.content.digest, policy_number=1, statistics_day=on, image="",
        catalogue="", program="", identity=drawn.identity, draw_day=drawn.day,
    )  # fmt: skip


if __name__ == "__main__":
    main()
