"""What the records hold about a group of declarations when it is decided, read with one query a subject."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.db import connection

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.decisions.deciding import Lodged
from tidewaiter.actions.decisions.events import early_events, held_by
from tidewaiter.actions.decisions.goods import DOCUMENT, Identities, MarkOf, goods_marks, hand_on, sharing
from tidewaiter.actions.decisions.loads import LoadKey, Loads, load_key, without
from tidewaiter.actions.decisions.same_day import same_day_marks
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.rows import rows_from_json
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import (
    AgencyHold,
    Carried,
    Circumstances,
    ControlRequest,
    Decision,
    Override,
    ReasonKey,
    ReasonKind,
    carry,
    settled_by,
)
from tidewaiter.core.decision_json import decision_from_json
from tidewaiter.core.tables import CONSIGNMENTS
from tidewaiter.engines.selection.inheritance import Inherited, Lot
from tidewaiter.engines.selection.live import Facts
from tidewaiter.engines.selection.reasons import carried_key
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.records import models
from tidewaiter.storage.records.asking import among, ask, texts

type Row = Mapping[str, object]


@dataclass(slots=True)
class Case:
    """One declaration that is to be decided: what was lodged, by whom, why now, and where it stood before."""

    lodged: Lodged
    by: Actor
    version: int
    digest: str
    text: str
    """The canonical rows as they were received, as JSON."""
    cause: str
    before: models.Declaration | None
    received: bool = True
    """False where a version that was received before is decided again."""
    marks: tuple[MarkOf, ...] = ()
    facts: Sequence[Facts] = ()
    counted: Sequence[SameDayAsked] = ()

    @property
    def number(self) -> str:
        """Return the number of the declaration."""
        return self.lodged.declaration_id

    @property
    def item_numbers(self) -> list[int]:
        """Return the numbers of the items, in their order."""
        return [int(str(row["item_number"])) for row in self.lodged.rows]

    @property
    def office(self) -> str:
        """Return the office of lodging; empty where none was named."""
        return str(self.lodged.rows[0].get("office") or "")

    @property
    def lodged_at(self) -> datetime:
        """Return when the declaration was lodged."""
        moment = self.lodged.rows[0]["lodged_at"]
        assert isinstance(moment, datetime)
        return moment

    def received_at(self, at: datetime) -> datetime:
        """Return when the first version of the declaration came; `at` where this is it."""
        return at if self.before is None else self.before.received_at or self.before.lodged_at

    def new_marks(self, standing: Standing) -> Iterator[MarkOf]:
        """Give the marks by which the declaration will be found again."""
        yield from self.marks
        yield from same_day_marks(self.counted, standing.mark_kinds)


@dataclass(slots=True)
class Gathered:
    """All that routing reads from the records for the cases of one group."""

    identities: Identities
    loads: Loads
    others: Mapping[MarkOf, Sequence[models.Declaration]]
    decisions: dict[str, Decision]
    overrides: Mapping[str, models.Override]
    settled: Mapping[tuple[str, str], models.LookoutMatch]
    filings: Mapping[str, Sequence[Row]]
    """By document all versions that the records hold, in order."""
    requests: Mapping[MarkOf, Sequence[ControlRequest]]
    """By what they name: a mark, or `declaration` and its number."""
    early: Mapping[str, Sequence[models.Event]]
    """By declaration the events that came before it."""
    load_keys: Mapping[str, LoadKey]
    """By decision the shift it was counted in."""
    decided: dict[MarkOf, list[Decision]] = field(default_factory=dict)

    @classmethod
    def of(cls, standing: Standing, cases: Sequence[Case], at: datetime) -> "Gathered":
        """Read it; each case gets its marks."""
        marks, policy = _marked(cases), standing.content.policy
        others = sharing(marks, standing.on, policy.container_mark_days)
        known = {case.number: case.before for case in cases if case.before is not None}
        near = {one.pk: one for found in others.values() for one in found} | known
        decisions = _decisions({one.decision_id for one in near.values()})
        return cls(
            identities=Identities.of(marks, hand_on(policy)),
            loads=Loads.of(standing, {case.office for case in cases}, at),
            others=others,
            decisions={number: decision for number, (decision, _) in decisions.items()},
            overrides=_overrides(near),
            settled=_settled(list(known)),
            filings=_filings(marks),
            requests=_requests({*(case.number for case in cases), *(value for _, value in marks)}, at),
            early=early_events([case.number for case in cases if case.before is None]),
            load_keys={
                number: load_key(standing, decision.office or "", decided_at)[0]
                for number, (decision, decided_at) in decisions.items()
            },
        )

    def drawn(self, case: Case, on: date) -> Inherited:
        """Return what the declaration is drawn by: as before, as its goods were, or by itself from today."""
        before = self._lots(case)
        return self.identities.drawn(case.lodged.rows, on, before) if case.received else Inherited(before)

    def filing(self, case: Case) -> Row | None:
        """Return the latest filing of the goods that the records hold."""
        return latest_filing(case, self.filings)

    def circumstances(self, case: Case, key: LoadKey, drawn: Inherited) -> Circumstances:
        """Return what routing reads beside the facts."""
        held = self.overrides.get(case.number)
        override = None if held is None else self._override(held)
        before = self._before(case)
        references = {state: frozenset(self._matches(case.number, state)) for state in ("cleared", "confirmed")}
        return Circumstances(
            shift=key[2] or None,
            queue=without(self.loads.queues[key], before) if self._counted(case, key) else self.loads.queues[key],
            carried=self._carried(case, override),
            requests=self._requests(case) if self.requests else (),
            holds=tuple(
                AgencyHold(reference=f"hold {agency}", agency=agency)
                for agency in (case.before.held_by if case.before else held_by(self.early.get(case.number, ())))
            ),
            override=override if before is None else _still_settled(override, before),
            cleared=references["cleared"],
            confirmed=references["confirmed"],
            drawn_beside=drawn.beside,
        )

    def add(self, case: Case, key: LoadKey, decision: Decision) -> bool:
        """Take a decision into account for those that follow in the group; tell whether it moved its shift's queue."""
        before = self._before(case)
        moved = before is None or (before.channel, before.minutes) != (decision.channel, decision.minutes)
        if moved:
            self.loads.queues[key] = decision.circumstances.queue.after(decision)
        for mark in case.marks:
            self.decided.setdefault(mark, []).append(decision)
        return moved

    def _lots(self, case: Case) -> tuple[Lot, ...]:
        before = self._before(case)
        if case.before is None or before is None:
            return ()
        beside = before.circumstances.drawn_beside
        return (Lot(case.before.draw_day, case.before.identity), *(Lot(day, identity) for identity, day in beside))

    def _before(self, case: Case) -> Decision | None:
        return self.decisions.get(case.before.decision_id) if case.before else None

    def _counted(self, case: Case, key: LoadKey) -> bool:
        """Tell whether the declaration is counted in that shift already."""
        return case.before is not None and self.load_keys.get(case.before.decision_id) == key

    def _matches(self, number: str, state: str) -> Iterable[str]:
        return (
            reference
            for (declaration, reference), match in self.settled.items()
            if declaration == number and match.state == state
        )

    def _requests(self, case: Case) -> tuple[ControlRequest, ...]:
        named = ((_DECLARATION, case.number), *case.marks)
        found = {one.reference: one for mark in named for one in self.requests.get(mark, ())}
        here = frozenset(case.item_numbers)
        return tuple(replace(one, items=tuple(n for n in one.items if n in here)) for one in found.values())

    def _carried(self, case: Case, override: Override | None) -> Carried | None:
        """Return what earlier decisions hand on; a person's override ends what the declaration was given before it."""
        earlier: dict[str, Decision] = {}
        before = self._before(case)
        settled: frozenset[ReasonKey] = frozenset()
        if before is not None and override is not None and _taken_under(before, override):
            settled = override.settled
        if before is not None and (override is None or _taken_under(before, override)):
            earlier[case.number] = before
        for mark in case.marks:
            for other in self.others.get(mark, ()):
                if other.pk != case.number and other.decision_id in self.decisions:
                    earlier[other.pk] = self.decisions[other.decision_id]
            for decision in self.decided.get(mark, ()):
                if decision.declaration_id != case.number:
                    earlier[decision.declaration_id] = decision
        return carry(
            decision
            for number, decision in earlier.items()
            if number == case.number or carried_key(decision.channel) not in settled
        )

    def _override(self, row: models.Override) -> Override:
        return Override(
            reference=f"override {row.pk}",
            channel=Channel(row.after),
            settled=settled_by(_decision(row.decision)),
        )


def _taken_under(decision: Decision, override: Override) -> bool:
    """Tell whether a decision was taken after the override and so holds what came later than it."""
    under = decision.circumstances.override
    return under is not None and under.reference == override.reference


def _still_settled(override: Override | None, before: Decision) -> Override | None:
    """Return the override without the earlier channels it settled, once a later decision carries its own."""
    if override is None or not _taken_under(before, override):
        return override
    return replace(override, settled=frozenset(one for one in override.settled if one[0] is not ReasonKind.CARRIED))


def _decision(row: models.Decision) -> Decision:
    return decision_from_json(json.loads(unpacked(row.body))["decision"])


def _decisions(ids: Iterable[str]) -> dict[str, tuple[Decision, datetime]]:
    """Return stored decisions with when they were taken."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = models.Decision.objects.filter(pk__in=wanted).only("pk", "body", "decided_at")
    return {row.pk: (_decision(row), row.decided_at) for row in rows}


def _overrides(near: Iterable[str]) -> dict[str, models.Override]:
    wanted = list(near)
    if not wanted:
        return {}
    rows = models.Override.objects.filter(declaration_id__in=wanted, state="in force").select_related("decision")
    return {row.declaration_id: row for row in rows.order_by("pk")}


def _settled(numbers: Sequence[str]) -> dict[tuple[str, str], models.LookoutMatch]:
    if not numbers:
        return {}
    rows = models.LookoutMatch.objects.filter(
        declaration_id__in=numbers, state__in=("cleared", "confirmed"), lookout__covert=False
    ).select_related("lookout")
    return {(row.declaration_id, row.lookout.reference): row for row in rows.order_by("pk")}


def _marked(cases: Iterable[Case]) -> list[MarkOf]:
    """Return the marks of all cases; each gets its own."""
    for case in cases:
        case.marks = goods_marks(case.lodged.rows)
    return [mark for case in cases for mark in case.marks]


def filings_of(cases: Iterable[Case]) -> dict[str, list[Row]]:
    """Return the filings under the cases' documents that the records hold: by document all versions, in order."""
    return _filings(_marked(cases))


def latest_filing(case: Case, filings: Mapping[str, Sequence[Row]]) -> Row | None:
    """Return the latest filing of a case's goods; None where there is none."""
    found = next((filings[value] for kind, value in case.marks if kind == DOCUMENT and value in filings), None)
    return found[-1] if found else None


def _filings(marks: Iterable[MarkOf]) -> dict[str, list[Row]]:
    wanted = {value for kind, value in marks if kind == DOCUMENT}
    found: dict[str, list[Row]] = {}
    statement = f"SELECT id FROM records_consignment WHERE consignment_id {among()}"
    held = [number for (number,) in ask(statement, [texts(wanted)])] if wanted else []
    if held:
        for row in models.Consignment.objects.filter(pk__in=held).order_by("consignment_id", "version"):
            found.setdefault(row.consignment_id, []).append(filing_of(row))
    return found


_DECLARATION = "declaration"
_REQUESTS = (
    "SELECT reference, subject_kind, subject, items, channel, controls, instruction FROM records_controlrequest "
    "WHERE ended_at IS NULL AND expires_at > %s AND subject {among}"
)
_ANY_REQUEST = "SELECT 1 FROM records_controlrequest WHERE ended_at IS NULL LIMIT 1"


def _requests(subjects: set[str], at: datetime) -> dict[MarkOf, list[ControlRequest]]:
    """Return the requests for control in force that name any of these, by what they name."""
    found: dict[MarkOf, list[ControlRequest]] = {}
    if not ask(_ANY_REQUEST, []):
        return found
    marks = [connection.ops.adapt_datetimefield_value(at), texts(subjects)]
    for reference, kind, subject, items, channel, controls, instruction in ask(_REQUESTS.format(among=among()), marks):
        request = ControlRequest(
            reference=reference,
            channel=Channel(channel),
            controls=tuple(json.loads(controls)),
            instruction=instruction,
            items=tuple(json.loads(items)),
        )
        found.setdefault((kind, subject), []).append(request)
    return found


def filing_of(row: models.Consignment) -> Row:
    """Return a stored filing as a canonical row with its version and when it was known."""
    (held,) = rows_from_json(unpacked(row.row), CONSIGNMENTS)
    return {**held, "version": row.version, "known_at": row.received_at}
