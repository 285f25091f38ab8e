"""Advance cargo: a filing is assessed when it comes, before loading or arrival, and reaches the goods it announces.

A filing is kept as versions, idempotent by id, version and content, like a declaration. Its draw is that of its own
document, so that the declaration lodged later under that document is drawn with the same key. What it tells at once
reaches the declarations in flight under it: they are decided again, and a channel may rise.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.acting import SERVICE, Actor, action, record
from tidewaiter.actions.decisions.flight import redecide
from tidewaiter.actions.decisions.goods import CONTAINER, DOCUMENT, Identities, hand_on
from tidewaiter.actions.decisions.meeting import Met, note_met
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.draws import Keys, draw_of, lodge_within
from tidewaiter.actions.packing import packed, to_json
from tidewaiter.actions.rows import rows_to_json, text_digest
from tidewaiter.core.cargo import CargoAssessment
from tidewaiter.core.errors import ConflictError, Problem
from tidewaiter.core.json_form import to_json as form_of
from tidewaiter.engines.selection.cargo import assess as assessed
from tidewaiter.engines.selection.cargo import cargo_force
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import lock_chain

type Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Filing:
    """One filing to be assessed: its canonical row without version, and what names it."""

    number: str
    version: int
    text: str
    row: Row


@action("consignment.assess")
def assess(*, rows: Sequence[Row], standing: Standing, keys: Keys, by: Actor, at: datetime) -> list[dict[str, object]]:
    """Assess filings, canonical rows of consignments with `version` (None: the next); all of them or none.

    Returns for each its answer with `status` assessed or repeated. Raises ConflictError naming every filing whose
    version is kept with other content, or comes after a later one.
    """
    lock_chain()
    lodge_within(standing.on, keys, at)
    answers: list[dict[str, object]] = []
    problems: list[Problem] = []
    reached: set[str] = set()
    met: list[Met] = []
    for row in rows:
        settled = _settled(row)
        match settled:
            case _Filing() as filing:
                answers.append(_assess(filing, standing, keys, met, by, at))
                reached |= _in_flight(filing)
            case models.Consignment() as kept:
                answers.append({**json.loads(kept.answer), "status": "repeated"})
                record(f"filing:{kept.pk}", action="consignment.repeat")
            case Problem() as problem:
                problems.append(problem)
    if problems:
        raise ConflictError(problems)
    noted = note_met(met, at)
    record(noted.record, noted.content, action=noted.action)
    if reached:
        redecide(
            standing=standing, news=None, numbers=sorted(reached), keys=keys, cause="advance cargo filed",
            by=SERVICE, at=at,
        )  # fmt: skip
    return answers


def _settled(row: Row) -> "_Filing | models.Consignment | Problem":
    number = str(row["consignment_id"])
    plain = {name: value for name, value in row.items() if name != "version"}
    text = rows_to_json([plain])
    digest = text_digest(text)
    latest = models.Consignment.objects.filter(consignment_id=number).order_by("-version").first()
    given = row.get("version")
    version = int(str(given)) if given is not None else _next(latest, digest)
    held = models.Consignment.objects.filter(consignment_id=number, version=version).first()
    if held is not None and held.content_digest == digest:
        return held
    if held is not None:
        advice = "send it as a new version"
        return Problem(f"version {version} of consignment {number} was filed with other content", suggestion=advice)
    if latest is not None and version < latest.version:
        return Problem(f"consignment {number} stands at version {latest.version}; version {version} comes too late")
    return _Filing(number, version, text, plain)


def _next(latest: models.Consignment | None, digest: str) -> int:
    if latest is None:
        return 1
    return latest.version if latest.content_digest == digest else latest.version + 1


def _assess(
    filing: _Filing, standing: Standing, keys: Keys, met: list[Met], by: Actor, at: datetime
) -> dict[str, object]:
    """Assess one filing, keep it, and add to `met` where lookouts met it, covert ones included."""
    drawn_as = {"declaration_id": filing.number, "previous_document": filing.number}
    marks = [(DOCUMENT, filing.number)]
    identities = Identities.of(marks, hand_on(standing.content.policy))
    drawn = identities.drawn([drawn_as], standing.on)
    identities.keep(standing.on)
    force = cargo_force(standing.force.force, standing.force.lookouts, standing.catalogue)
    found = assessed(force, filing.row, draw=draw_of(keys, drawn))
    answer = _outward(filing, found, at)
    filed_at = filing.row["filed_at"]
    assert isinstance(filed_at, datetime)
    body = to_json({"assessment": form_of(found), "set": standing.content.digest, "on": standing.on.isoformat()})
    kept = models.Consignment.objects.create(
        consignment_id=filing.number,
        version=filing.version,
        content_digest=text_digest(filing.text),
        filed_at=filed_at,
        row=packed(filing.text),
        master_document=str(filing.row.get("master_document") or ""),
        received_at=at,
        client=by.reference,
        outcome=found.outcome.value,
        answer=to_json(answer),
        body=packed(body),
        identity=drawn.identity,
        draw_day=drawn.day,
    )
    met += [
        Met(match=match, version=filing.version, consignment_id=filing.number)
        for match in (*found.lookouts, *standing.force.lookouts.match_covert((), filing.row))
    ]
    record(f"filing:{kept.pk}", consignment_content(kept))
    return {**answer, "status": "assessed"}


def consignment_content(kept: models.Consignment) -> bytes:
    """Return what the audit chain holds of an assessed filing."""
    return bytes(kept.row) + bytes(kept.body) + kept.answer.encode()


def _outward(filing: _Filing, found: CargoAssessment, at: datetime) -> dict[str, object]:
    """Return what the filer is told: the outcome and what is asked for, never why."""
    return {
        "consignment_id": filing.number,
        "version": filing.version,
        "outcome": found.outcome.value,
        "outcomes": [outcome.value for outcome in found.outcomes],
        "requested": list(found.requested),
        "assessed_at": at.isoformat(timespec="milliseconds"),
    }


def _in_flight(filing: _Filing) -> set[str]:
    """Return the unreleased declarations under the filing's document or in its containers."""
    boxes = filing.row.get("containers")
    numbers = [str(box.get("number")) for box in boxes if box.get("number")] if isinstance(boxes, list) else []
    under = models.Mark.objects.filter(kind=DOCUMENT, value=filing.number, declaration__in_flight=True)
    inside = models.Mark.objects.filter(kind=CONTAINER, value__in=numbers, declaration__in_flight=True)
    return {*under.values_list("declaration_id", flat=True), *inside.values_list("declaration_id", flat=True)}
