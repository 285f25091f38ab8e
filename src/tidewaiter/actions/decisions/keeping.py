"""Writes what a group of declarations was decided: everything in one go, each table once."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tidewaiter import __version__
from tidewaiter.actions.decisions.gathering import Case, Gathered
from tidewaiter.actions.decisions.loads import LoadKey
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.weighing import Weighed
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
_AT_FIRST = ("held_by", "in_flight")
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


def decision_record(
    standing: Standing,
    case: Case,
    decision: Decision,
    drawn: Inherited,
    key: LoadKey,
    ordinal: int,
    *,
    weighed: Weighed,
    at: datetime,
) -> models.Decision:
    """Return the record of a decision, with its answer and all it rests on."""
    number = decision_number(case.number, decision.version, ordinal)
    return models.Decision(
        id=number,
        declaration_id=case.number,
        version=decision.version,
        ordinal=ordinal,
        cause=case.cause,
        decided_at=at,
        decided_on=standing.on,
        office=case.office,
        shift=key[2],
        channel=decision.channel.value,
        within_capacity=decision.capacity is not Capacity.BEYOND,
        in_random_sample=decision.in_random_sample,
        selection_probability=decision.selection_probability,
        random_probability=decision.random_probability,
        answer=_answer(number, decision, at),
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


def decision_number(declaration_id: str, version: int, ordinal: int) -> str:
    """Return the number of a decision: the same for the same declaration, version and place in its history."""
    digest = hashlib.sha256(f"{declaration_id}\0{version}\0{ordinal}".encode("utf-8", "surrogatepass"))
    return f"D{digest.hexdigest()[:24].upper()}"


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
    days = {case.number: standing.day_of(case.lodged_at) for case in (one.case for one in kept)}
    _keep_declarations(kept, days)
    received = [one.case for one in kept if one.case.received]
    insert_values(
        models.Lodgement,
        _LODGED,
        [(case.number, case.version, case.digest, packed(case.text), at, case.by.reference, None) for case in received],
    )
    gathered.identities.keep(standing.on)
    marks = [
        (kind, value, case.number, days[case.number], case.lodged_at)
        for case in received
        for kind, value in case.new_marks(standing)
    ]
    insert_values(models.Mark, ("kind", "value", "declaration_id", "lodged_on", "lodged_at"), marks)
    insert([one.record for one in kept])
    gathered.loads.keep()
    keep_met(kept, at)
    _trace(kept, at, head)


def _keep_declarations(kept: Sequence[Kept], days: Mapping[str, date]) -> None:
    rows: list[tuple[object, ...]] = [
        (one.case.number, one.case.version, one.case.office, *_parties(one.case.lodged.rows[0]),
         one.decision.channel.value, one.record.pk, one.drawn.identity, one.drawn.day,
         one.case.lodged_at, days[one.case.number], [], True)
        for one in kept
    ]  # fmt: skip
    put_values(models.Declaration, ("declaration_id", *_DECLARED, *_AT_FIRST), rows, ("declaration_id",), _DECLARED)


def _parties(row: Row) -> tuple[str, str]:
    return str(row.get("declarant_code") or ""), str(row.get("importer_code") or "")


def keep_met(kept: Iterable[Kept], at: datetime) -> None:
    """Note what lookouts met. Of a covert one there is no other trace."""
    keep_matches([(one.case, match) for one in kept for match in (*one.covert, *one.decision.lookouts)], at)


def keep_matches(met: Sequence[tuple[Case, LookoutMatch]], at: datetime) -> None:
    """Note matches of lookouts with declarations, each once."""
    if not met:
        return
    references = {match.reference for _, match in met}
    lookouts = {row.reference: row for row in models.Lookout.objects.filter(reference__in=references)}
    held = set(
        models.LookoutMatch.objects.filter(
            lookout__reference__in=references, declaration_id__in={case.number for case, _ in met}
        ).values_list("lookout__reference", "declaration_id", "value")
    )
    models.LookoutMatch.objects.bulk_create(
        [
            models.LookoutMatch(
                lookout=lookouts[match.reference],
                declaration_id=case.number,
                version=case.version,
                certainty=match.certainty.value,
                value=match.value,
                met_at=at,
            )
            for case, match in met
            if match.reference in lookouts and (match.reference, case.number, match.value) not in held
        ]
    )


def _trace(kept: Sequence[Kept], at: datetime, head: models.ChainHead) -> None:
    """Add one event a decision to the chain, and every rise to the feed under the number of its event."""
    numbers = append_many(
        [
            Entry(
                actor=one.case.by.reference,
                action="decision.take",
                record=f"decision:{one.record.pk}",
                content=decision_content(one.record, one.case.digest),
            )
            for one in kept
        ],
        at=at,
        head=head,
    )
    insert(
        [
            models.Rise(
                cursor=number,
                decision=one.record,
                declaration_id=one.case.number,
                before=one.case.before.channel,
                after=one.decision.channel.value,
                at=at,
            )
            for number, one in zip(numbers, kept, strict=True)
            if one.case.before is not None and risen(one.case.before.channel, one.decision.channel)
        ]
    )


def decision_content(record: models.Decision, lodged: str) -> bytes:
    """Return what the audit chain holds of a decision: all that was decided, read and answered.

    `lodged` is the content digest of the declaration's version that was decided.
    """
    parts = (
        lodged, record.pk, record.declaration_id, record.version, record.ordinal, record.cause,
        record.decided_at.astimezone(UTC).isoformat(), record.office, record.shift, record.channel,
        record.within_capacity, record.in_random_sample, record.selection_probability, record.random_probability,
        record.set_id, record.policy_number, record.statistics_day, record.image, record.catalogue, record.program,
        record.identity, record.draw_day, record.previous_id, record.answer,
    )  # fmt: skip
    stated = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return bytes(record.body) + bytes(record.facts) + stated


def list_for_recall(one: Kept, cause: str, at: datetime) -> bool:
    """List released goods that would be selected now; tell whether they were not listed for that cause before."""
    _, made = models.Recall.objects.get_or_create(
        declaration_id=one.case.number,
        cause=cause,
        defaults={"channel": one.decision.channel.value, "body": one.record.body, "listed_at": at},
    )
    return made


def risen(before: str, after: Channel) -> bool:
    """Tell whether the second channel is stricter than the first."""
    return after.strictness > Channel(before).strictness
