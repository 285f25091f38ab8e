"""One group of declarations, decided and written in one transaction.

All processes queue at the end of the audit chain, so that what one group reads no other changes before it is written:
versions, draws, same-day counts and the queue of each shift are those of one order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tidewaiter.actions.acting import SERVICE, Actor, require
from tidewaiter.actions.decisions.deciding import Answer, Lodged
from tidewaiter.actions.decisions.events import apply_early
from tidewaiter.actions.decisions.fact_making import parcel_of
from tidewaiter.actions.decisions.gathering import Case, Gathered
from tidewaiter.actions.decisions.keeping import (
    HistoryPlace,
    Kept,
    decision_record,
    filing_text,
    keep_all,
    list_for_recall,
)
from tidewaiter.actions.decisions.loads import load_key
from tidewaiter.actions.decisions.same_day import earlier_in_records
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.traces import AMENDED, LODGED, recall_content
from tidewaiter.actions.decisions.weighing import Lot, Weighed
from tidewaiter.actions.draws import Keys, draw_of, lodge_within
from tidewaiter.actions.examinations.acts import open_acts
from tidewaiter.actions.examinations.waiting import with_open_acts
from tidewaiter.actions.profiles.publishing import ask_again_after
from tidewaiter.actions.rows import in_order, rows_to_json, text_digest
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError
from tidewaiter.engines.selection.live import decide_hits
from tidewaiter.storage.records import models
from tidewaiter.storage.records.asking import among, ask, texts
from tidewaiter.storage.records.audit import Entry, append_many, lock_chain, record_digest

type Place = int
"""Where a declaration stands in its group."""


def decide_group(standing: Standing, keys: Keys, group: Sequence[tuple[Lodged, Actor]], at: datetime) -> list[Answer]:
    """Decide the declarations of a group and return the answers in their order, once all is on the disk.

    A declaration that comes twice in a group is decided twice, in order. Raises NotAllowedError when one of the
    callers may not have declarations decided.
    """
    for by in {by.reference: by for _, by in group}.values():
        require("decision.take", by, at)
    answers: dict[Place, Answer] = {}
    with transaction.atomic():
        head = lock_chain()
        lodge_within(standing.on, keys, at)
        ask_again_after(standing.content.digest, standing.on, standing.zone)
        for turn in _turns(group):
            answers.update(_decide_turn(standing, keys, {place: group[place] for place in turn}, at, head))
    return [answers[place] for place in range(len(group))]


def _turns(group: Sequence[tuple[Lodged, Actor]]) -> list[list[Place]]:
    """Return the places of the group in turns in which no declaration comes twice."""
    seen: dict[str, int] = {}
    turns: list[list[Place]] = []
    for place, (lodged, _) in enumerate(group):
        turn = seen.get(lodged.declaration_id, 0)
        seen[lodged.declaration_id] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(place)
    return turns


@dataclass(frozen=True, slots=True)
class _Held:
    """What the records hold of the declarations of a turn: where they stand, and the digest of every version."""

    declarations: Mapping[str, models.Declaration]
    digests: Mapping[tuple[str, int], str]

    @classmethod
    def of(cls, numbers: Iterable[str]) -> "_Held":
        wanted = texts(set(numbers))
        known = ask(f"SELECT declaration_id FROM records_declaration WHERE declaration_id {among()}", [wanted])
        if not known:
            return cls({}, {})
        versions = ask(
            f"SELECT declaration_id, version, content_digest FROM records_lodgement WHERE declaration_id {among()}",
            [wanted],
        )
        held = {(number, version): digest for number, version, digest in versions}
        return cls(models.Declaration.objects.in_bulk([number for (number,) in known]), held)


def _decide_turn(
    standing: Standing,
    keys: Keys,
    turn: Mapping[Place, tuple[Lodged, Actor]],
    at: datetime,
    head: models.ChainHead,
) -> dict[Place, Answer]:
    held = _Held.of(lodged.declaration_id for lodged, _ in turn.values())
    answers: dict[Place, Answer] = {}
    cases: dict[Place, Case] = {}
    repeats: dict[Place, tuple[str, int]] = {}
    for place, (lodged, by) in turn.items():
        match _settled(lodged, by, held):
            case Case() as case:
                cases[place] = case
            case int(version):
                repeats[place] = (lodged.declaration_id, version)
            case str(why):
                answers[place] = Answer(status="conflict", declaration_id=lodged.declaration_id, problem=why)
    kept = decide_cases(standing, keys, list(cases.values()), at, head)
    busy = _with_open_acts(kept, repeats, at)
    answers.update(_repeated(repeats, held, busy))
    answers.update({place: _answered(one, busy) for place, one in zip(cases, kept, strict=True)})
    return answers


def _with_open_acts(kept: Sequence[Kept], repeats: Mapping[Place, tuple[str, int]], at: datetime) -> set[str]:
    """Return the declarations with open acts, of those that may have any: not asked of goods that are green at once."""
    asked = {number for number, _ in repeats.values()}
    asked |= {one.case.number for one in kept if one.case.before is not None or one.record.channel != Channel.GREEN}
    return with_open_acts(asked, at)


def _settled(lodged: Lodged, by: Actor, held: _Held) -> Case | int | str:
    """Return the case to decide, the version that is repeated, or why the declaration is refused."""
    number, ordered = lodged.declaration_id, lodged.rows if lodged.text else in_order(lodged.rows)
    text = lodged.text or rows_to_json(ordered)
    digest = text_digest(text)
    before = held.declarations.get(number)
    latest = before.version if before else 0
    version = lodged.version or _next_version(number, latest, digest, held)
    known = held.digests.get((number, version))
    if known == digest:
        return version
    if known is not None:
        return f"version {version} of declaration {number} was lodged with other content; send it as a new version"
    if before is not None and before.cancelled_at is not None:
        return f"declaration {number} was cancelled; lodge the goods under a new number"
    if version <= latest:
        return f"declaration {number} stands at version {latest}; version {version} comes too late"
    rows = tuple({**row, "version": version} for row in ordered)
    cause = AMENDED if before else LODGED
    return Case(Lodged(number, version, rows), by, version, digest, text, cause, before)


def _next_version(number: str, latest: int, digest: str, held: _Held) -> int:
    repeats = latest and held.digests.get((number, latest)) == digest
    return latest if repeats else latest + 1


def _repeated(repeats: Mapping[Place, tuple[str, int]], held: _Held, busy: Collection[str]) -> dict[Place, Answer]:
    """Return the stored answers of what was decided before: those of the first decision about each version."""
    if not repeats:
        return {}
    stored = models.Decision.objects.filter(declaration_id__in={number for number, _ in repeats.values()})
    first = {(row.declaration_id, row.version): row for row in stored.defer("body", "facts").order_by("-ordinal")}
    return {
        place: Answer(
            status="repeated",
            declaration_id=number,
            text=first[number, version].answer,
            current_channel=held.declarations[number].channel,
            current_decision=held.declarations[number].decision_id,
            acts_open=number in busy,
        )
        for place, (number, version) in repeats.items()
    }


def _answered(kept: Kept, busy: Collection[str]) -> Answer:
    return Answer(
        status="decided",
        declaration_id=kept.case.number,
        text=kept.record.answer,
        current_channel=kept.record.channel,
        current_decision=kept.record.pk,
        acts_open=kept.case.number in busy,
    )


def decide_cases(
    standing: Standing, keys: Keys, cases: Sequence[Case], at: datetime, head: models.ChainHead
) -> list[Kept]:
    """Decide declarations, each once, and write everything; within the transaction that holds the chain."""
    if not cases:
        return []
    kept, gathered = taken(standing, keys, cases, at)
    write(standing, kept, gathered, at, head)
    return kept


def taken(standing: Standing, keys: Keys, cases: Sequence[Case], at: datetime) -> tuple[list[Kept], Gathered]:
    """Return the decisions about declarations, each once, with what they were decided from; nothing is written."""
    gathered = Gathered.of(standing, cases, at)
    lot = _lot(standing, cases, gathered, at)
    places = _places(cases, at)
    with closing(standing.weigher.weigh(lot, lambda asked: earlier_in_records(asked, standing.mark_kinds))) as weighed:
        kept = [
            _take(standing, keys, case, one, gathered, places[case.number], at)
            for case, one in zip(cases, weighed, strict=True)
        ]
    return kept, gathered


def _lot(standing: Standing, cases: Sequence[Case], gathered: Gathered, at: datetime) -> Lot:
    for case in cases:
        if not case.lodged.rows:
            raise InputError(f"declaration {case.number} has no items")
    filings = [one for found in gathered.filings.values() for one in found]
    return Lot([parcel_of(standing, case, at, filing_text(gathered.filing(case))) for case in cases], filings, at)


def write(standing: Standing, kept: Sequence[Kept], gathered: Gathered, at: datetime, head: models.ChainHead) -> None:
    """Write decisions taken, open the acts they ask for, and apply events that came before their declaration.

    Goods that were released before they were amended are gone: no act is opened, they are listed for recall or audit.
    """
    keep_all(standing, kept, gathered, at, head)
    here = [one for one in kept if one.case.before is None or one.case.before.in_flight]
    open_acts([one.record for one in here], policy=standing.content.policy, at=at, head=head)
    gone = [one for one in kept if one.case.before is not None and not one.case.before.in_flight]
    listed = [list_for_recall(one, "amended after its release", at) for one in gone if one.decision.channel.selects]
    traces = [
        Entry(actor=SERVICE.reference, action="declaration.recall", record=f"recall:{one.pk}",
              content=recall_content(one))
        for one in listed if one is not None
    ]  # fmt: skip
    if traces:
        append_many(traces, at=at, head=head)
    for events in gathered.early.values():
        apply_early(events, at)


def _places(cases: Sequence[Case], at: datetime) -> dict[str, HistoryPlace]:
    """Return by declaration the place that its next decision takes: after those before, under a number never used.

    A number under which a purge took a decision away stays that one's: what is decided now gets another.
    """
    ordinals = _ordinals(cases)
    found = {one.number: HistoryPlace.of(one.number, one.version, ordinals.get(one.number, 0) + 1) for one in cases}
    digests = {record_digest(f"decision:{place.number}"): number for number, place in found.items()}
    statement = f"SELECT record_digest FROM records_tombstone WHERE record_digest {among()}"
    for (digest,) in ask(statement, [texts(digests)]):
        found[digests[digest]] = found[digests[digest]].aside(at)
    return found


def _ordinals(cases: Sequence[Case]) -> dict[str, int]:
    again = {case.before.decision_id for case in cases if case.before is not None}
    if not again:
        return {}
    rows = models.Decision.objects.filter(pk__in=again).values_list("declaration_id", "ordinal")
    return dict(rows)


def _take(
    standing: Standing, keys: Keys, case: Case, weighed: Weighed, gathered: Gathered, place: HistoryPlace, at: datetime
) -> Kept:
    case.counted = weighed.counted
    drawn = gathered.drawn(case, standing.on)
    key, _ = load_key(standing, case.office, at)
    filing = gathered.filing(case)
    decision = decide_hits(
        standing.force,
        weighed.subject,
        weighed.hits,
        draw=draw_of(keys, drawn),
        declared=case.lodged.rows,
        consignment=filing,
        circumstances=gathered.circumstances(case, key, drawn),
    )
    moved = gathered.add(case, key, decision)
    record = decision_record(standing, case, decision, drawn, key, place, weighed=weighed, moved=moved, at=at)
    covert = standing.force.lookouts.match_covert(case.lodged.rows, filing)
    return Kept(case, decision, drawn, key, weighed.shadow, covert, filing, record)
