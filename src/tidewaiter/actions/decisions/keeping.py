"""Writes what a group of declarations was decided: everything in one go, each table once."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidewaiter import __version__
from tidewaiter.actions.decisions.gathering import Case, Gathered
from tidewaiter.actions.decisions.loads import LoadKey
from tidewaiter.actions.decisions.meeting import Met, note_met
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.traces import marks_content, taken_content
from tidewaiter.actions.decisions.weighing import Weighed
from tidewaiter.actions.examinations.changes import RISE
from tidewaiter.actions.packing import packed, to_json
from tidewaiter.actions.rows import rows_to_json
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Capacity, Decision
from tidewaiter.core.decision_json import decision_to_json, outward
from tidewaiter.core.lookout import LookoutMatch
from tidewaiter.engines.selection.inheritance import Inherited
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import Entry, append_many
from tidewaiter.storage.records.inserting import insert, insert_values, put_values

type Row = Mapping[str, object]

_DECLARED = (
    "version", "office", "declarant_code", "importer_code", "channel", "decision_id", "identity", "draw_day",
    "lodged_at", "lodged_on",
)  # fmt: skip
_AT_FIRST = ("received_at", "received_on", "held_by", "in_flight")
_MARK = ("kind", "value", "declaration_id", "version", "lodged_on", "lodged_at")
_LODGED = ("declaration_id", "version", "content_digest", "rows", "received_at", "client", "copied_at")


@dataclass(slots=True)
class Kept:
    """One decision as taken, and the record made of it."""

    case: Case
    decision: Decision
    drawn: Inherited
    key: LoadKey
    shadow: Mapping[str, tuple[int, ...]]
    covert: Sequence[LookoutMatch]
    filing: Row | None
    record: models.Decision


@dataclass(frozen=True, slots=True)
class HistoryPlace:
    """Where a decision stands in the history of its declaration, the first being 1, and its number."""

    ordinal: int
    number: str

    @classmethod
    def of(cls, declaration_id: str, version: int, ordinal: int) -> "HistoryPlace":
        """Return the place with its number: the same for the same declaration, version and ordinal."""
        return cls(ordinal, _number(f"{declaration_id}\0{version}\0{ordinal}"))

    def aside(self, at: datetime) -> "HistoryPlace":
        """Return the same place under another number: that of what is decided at an instant."""
        return HistoryPlace(self.ordinal, _number(f"{self.number}\0{at.isoformat()}"))


def _number(named: str) -> str:
    return f"D{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()[:24].upper()}"


def decision_record(
    standing: Standing,
    case: Case,
    decision: Decision,
    drawn: Inherited,
    key: LoadKey,
    place: HistoryPlace,
    *,
    weighed: Weighed,
    moved: bool,
    at: datetime,
) -> models.Decision:
    """Return the record of a decision, with its answer and all it rests on; `moved`: it moved its shift's queue."""
    return models.Decision(
        id=place.number,
        declaration_id=case.number,
        version=decision.version,
        ordinal=place.ordinal,
        cause=case.cause,
        decided_at=at,
        decided_on=standing.on,
        office=case.office,
        shift=key[2],
        counted_on=key[0] if moved else None,
        channel=decision.channel.value,
        within_capacity=decision.capacity is not Capacity.BEYOND,
        in_random_sample=decision.in_random_sample,
        selection_probability=decision.selection_probability,
        random_probability=decision.random_probability,
        answer=_answer(place.number, decision, at),
        body=packed(body_text(decision, weighed.shadow)),
        facts=weighed.facts,
        set_id=standing.content.digest,
        policy_number=standing.content.policy.version,
        statistics_day=standing.image.statistics_on,
        image=standing.image.name,
        catalogue=standing.catalogue.version,
        program=__version__,
        identity=drawn.identity,
        draw_day=drawn.day,
        previous_id=case.before.decision_id if case.before else None,
    )


def body_text(decision: Decision, shadow: Mapping[str, tuple[int, ...]]) -> str:
    """Return the whole decision as it is stored, with the items that profiles in shadow match.

    The encoder writes dataclasses itself, in the same form, but no mapping by numbers, as what is carried over has.
    """
    carried = decision.circumstances.carried is not None
    return to_json({"decision": decision_to_json(decision) if carried else decision, "shadow": shadow})


def filing_text(filing: Row | None) -> bytes:
    """Return a filing as it is stored with the facts: JSON, null for none."""
    return b"null" if filing is None else rows_to_json([filing]).encode()[1:-1]


def _answer(number: str, decision: Decision, at: datetime) -> str:
    told: dict[str, Any] = {"decision_id": number, "decided_at": at.isoformat(timespec="milliseconds")}
    return to_json({**outward(decision), **told})


def keep_all(
    standing: Standing, kept: Sequence[Kept], gathered: Gathered, at: datetime, head: models.ChainHead
) -> None:
    """Write declarations, lodgements, marks, decisions, loads, events of the chain and the feed of rises."""
    came = {case.number: case.received_at(at) for case in (one.case for one in kept)}
    days = {number: standing.day_of(moment) for number, moment in came.items()}
    _keep_declarations(standing, kept, came)
    received = [one.case for one in kept if one.case.received]
    insert_values(
        models.Lodgement,
        _LODGED,
        [(case.number, case.version, case.digest, packed(case.text), at, case.by.reference, None) for case in received],
    )
    gathered.identities.keep(standing.on)
    marks = {case.number: list(case.new_marks(standing)) for case in received}
    insert_values(
        models.Mark,
        _MARK,
        [
            (kind, value, case.number, case.version, days[case.number], came[case.number])
            for case in received
            for kind, value in marks[case.number]
        ],
    )
    insert([one.record for one in kept])
    moved = {one.key: one.decision for one in kept if one.record.counted_on is not None}
    gathered.loads.keep({key: last.circumstances.queue.after(last) for key, last in moved.items()})
    left = {
        case.number: marks_content((*mark, days[case.number], came[case.number]) for mark in marks[case.number])
        for case in received
    }
    _trace(kept, left, note_met(met_by(kept), at), at, head)


def _keep_declarations(standing: Standing, kept: Sequence[Kept], came: Mapping[str, datetime]) -> None:
    rows: list[tuple[object, ...]] = [
        (one.case.number, one.case.version, one.case.office, *_parties(one.case.lodged.rows[0]),
         one.decision.channel.value, one.record.pk, one.drawn.identity, one.drawn.day,
         one.case.lodged_at, standing.day_of(one.case.lodged_at),
         came[one.case.number], standing.day_of(came[one.case.number]), [], True)
        for one in kept
    ]  # fmt: skip
    put_values(models.Declaration, ("declaration_id", *_DECLARED, *_AT_FIRST), rows, ("declaration_id",), _DECLARED)


def _parties(row: Row) -> tuple[str, str]:
    return str(row.get("declarant_code") or ""), str(row.get("importer_code") or "")


def met_by(kept: Iterable[Kept]) -> list[Met]:
    """Return what lookouts met, covert ones included."""
    return [met_in(one.case, match) for one in kept for match in (*one.covert, *one.decision.lookouts)]


def met_in(case: Case, match: LookoutMatch) -> Met:
    """Return that a lookout met a declaration."""
    return Met(match=match, version=case.version, declaration_id=case.number)


def _trace(kept: Sequence[Kept], left: Mapping[str, bytes], met: Entry, at: datetime, head: models.ChainHead) -> None:
    """Add one event a decision to the chain, every rise to the feed under the number of its event, and what was met.

    `left` are the marks of the versions received.
    """
    rises: list[models.Rise] = []
    entries: list[Entry] = []
    for number, one in enumerate(kept, head.sequence + 1):
        own = _rises(one, number, at)
        marks = left.get(one.case.number, b"") if one.case.received else b""
        content = taken_content(one.record, one.case.digest, marks, own)
        actor, about = one.case.by.reference, f"decision:{one.record.pk}"
        entries.append(Entry(actor=actor, action="decision.take", record=about, content=content))
        rises += own
    append_many([*entries, met], at=at, head=head)
    insert(rises)


def _rises(one: Kept, number: int, at: datetime) -> list[models.Rise]:
    """Return the entry of the feed for a decision under the number of its event; none where nothing rose."""
    before = one.case.before
    if before is None or not risen(before.channel, one.decision.channel):
        return []
    return [
        models.Rise(
            cursor=number,
            decision=one.record,
            kind=RISE,
            declaration_id=one.case.number,
            before=before.channel,
            after=one.decision.channel.value,
            at=at,
        )
    ]


def list_for_recall(one: Kept, cause: str, at: datetime) -> models.Recall | None:
    """List released goods that would be selected now; None where they were listed for that cause before."""
    listed, made = models.Recall.objects.get_or_create(
        declaration_id=one.case.number,
        cause=cause,
        defaults={"channel": one.decision.channel.value, "body": one.record.body, "listed_at": at},
    )
    return listed if made else None


def risen(before: str, after: Channel) -> bool:
    """Tell whether the second channel is stricter than the first."""
    return after.strictness > Channel(before).strictness
