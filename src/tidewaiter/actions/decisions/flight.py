"""Goods in flight: what arrives later is asked of every declaration that is not released.

A new lookout, list entry, profile or control is first asked alone: only declarations that it meets are decided again,
with their own draw. A channel rises and never falls; a declaration whose answer does not change keeps its decision.
Goods that were released lately and that it meets are listed for recall or audit.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import batched

from django.db import transaction
from django.db.models import F, Q, QuerySet

from tidewaiter.actions.acting import SERVICE, Actor, action, record
from tidewaiter.actions.decisions.deciding import Lodged
from tidewaiter.actions.decisions.events import GATE_OUT, RELEASED
from tidewaiter.actions.decisions.fact_making import make_facts
from tidewaiter.actions.decisions.gathering import Case, Row, filings_of, latest_filing
from tidewaiter.actions.decisions.group import taken, write
from tidewaiter.actions.decisions.keeping import Kept, list_for_recall, met_by, met_in, risen
from tidewaiter.actions.decisions.meeting import Met, note_met
from tidewaiter.actions.decisions.standing import Standing, made_ready
from tidewaiter.actions.decisions.traces import recall_content
from tidewaiter.actions.decisions.weighing import Here
from tidewaiter.actions.draws import Keys
from tidewaiter.actions.packing import to_json, unpacked
from tidewaiter.actions.profiles.publishing import SetContent
from tidewaiter.actions.rows import rows_from_json
from tidewaiter.core.condition import Condition, facts_of
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.lookout import Lookout
from tidewaiter.core.tables import DECLARATIONS
from tidewaiter.engines.matching.live import LiveSet
from tidewaiter.engines.matching.live import publish as made_live
from tidewaiter.engines.selection.deciding import all_conditions
from tidewaiter.engines.selection.live import LiveForce, matched
from tidewaiter.engines.selection.lookouts import LookoutIndex, lookout_index
from tidewaiter.storage.lake.facts.live_image import narrowed
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import append, lock_chain

HELD_AT_ONCE = 25
"""Declarations decided again in one transaction: what is lodged meanwhile waits for it."""

AT_ONCE = 500
"""Declarations looked at in one transaction: short enough that no lodgement waits long behind it."""

RECALLED_DAYS = 30
"""Goods whose release was told, and took place, longer ago are not listed for recall."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a set asks on a day: conditions with what they give, lookouts, and whose trusted status counts."""

    force: LiveForce
    lookouts: frozenset[Lookout]
    trusted: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, content: SetContent, catalogue: Catalogue, on: date) -> "Asked":
        """Return it for any set and day."""
        return cls.within(content, made_ready(content, catalogue, on), on)

    @classmethod
    def within(cls, content: SetContent, force: LiveForce, on: date) -> "Asked":
        """Return it for a set that is ready for the day."""
        return cls(
            force,
            frozenset(one for one in content.lookouts if one.in_force(on)),
            frozenset((code, one.kind) for code, one in content.traders.items() if one.in_force(on)),
        )

    def conditions(self) -> dict[str, tuple[Condition, object]]:
        """Return every condition with what it gives: another treatment or instruction is news as well."""
        profiles = self.force.force.selectivity.profiles
        controls = self.force.force.selectivity.policy.mandatory
        return {
            name: (asked, (profiles[name].treatments, profiles[name].instruction) if name in profiles else controls)
            for name, asked in all_conditions(self.force.force).items()
        }


@dataclass(frozen=True, slots=True)
class News:
    """What is asked now and was not before: conditions, lookouts, and traders whose status no longer counts."""

    conditions: LiveSet
    lookouts: LookoutIndex
    traders: frozenset[str]
    facts: frozenset[str]
    """What the conditions ask; with none no facts are made."""
    empty: bool

    def meets(self, case: Case, filing: Row | None) -> bool:
        """Tell whether any of it but a covert lookout meets the declaration or its filing."""
        rows = case.lodged.rows
        return bool(
            self.lookouts.match(rows, filing)
            or (self.facts and matched(self.conditions, case.facts))
            or any(row.get(name) in self.traders for row in rows for name in ("importer_code", "declarant_code"))
        )


def news_of(now: Asked, before: Asked | None, on: date) -> News:
    """Return what is new on that day; all of it where nothing was asked before."""
    old = {} if before is None else before.conditions()
    conditions = {name: asked[0] for name, asked in now.conditions().items() if old.get(name) != asked}
    lookouts = now.lookouts - (frozenset() if before is None else before.lookouts)
    lost = frozenset() if before is None else before.trusted - now.trusted
    traders = frozenset(code for code, _ in lost)
    facts = frozenset(fact.name for condition in conditions.values() for fact in facts_of(condition))
    empty = not (conditions or lookouts or traders)
    return News(made_live(conditions), lookout_index(lookouts, on), traders, facts, empty)


@dataclass(slots=True)
class Redecided:
    """How many unreleased declarations were asked, met and changed, and how many released ones were listed."""

    asked: int = 0
    met: int = 0
    changed: int = 0
    risen: int = 0
    recalled: int = 0

    def add(self, other: "Redecided") -> None:
        """Add another part's counts."""
        for name in ("asked", "met", "changed", "risen", "recalled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def redecide_all(
    *, standing: Standing, before: Asked | None, keys: Keys, cause: str, clock: Callable[[], datetime]
) -> Redecided:
    """Ask what is new of all goods in flight and of those released lately; each part is a transaction of its own.

    Doing it again changes nothing that is done.
    """
    now = Asked.within(standing.content, standing.force, standing.on)
    news, total = news_of(now, before, standing.on), Redecided()
    if news.empty:
        return total
    asking, watched = _asking(standing, news), list[str]()
    for numbers in _in_parts(models.Declaration.objects.filter(in_flight=True)):
        total.asked += len(numbers)
        reached, alone = _reached(asking, news, numbers, clock())
        watched += alone
        for part in batched(reached, HELD_AT_ONCE):
            done = redecide(standing=standing, news=news, numbers=part, keys=keys, cause=cause, by=SERVICE, at=clock())
            total.add(replace(done, asked=0))
    _note_watched(standing, news, watched, clock())
    since = clock() - timedelta(days=RECALLED_DAYS)
    for numbers in _in_parts(_released(since)):
        total.recalled += recall(
            standing=standing, news=news, numbers=numbers, keys=keys, cause=cause, by=SERVICE, at=clock()
        )
    return total


def _released(since: datetime) -> QuerySet[models.Declaration]:
    """Return goods of which the release came since, whatever moment it tells, or that were released since."""
    told = models.Event.objects.filter(kind__in=(RELEASED, GATE_OUT), received_at__gte=since)
    late = Q(released_at__gte=since) | Q(released_at__isnull=False, pk__in=told.values("declaration_id"))
    return models.Declaration.objects.filter(late, in_flight=False, cancelled_at=None)


def _note_watched(standing: Standing, news: News, numbers: Sequence[str], at: datetime) -> None:
    """Note what only covert lookouts met, by an event that every asking has, whatever was met."""
    with transaction.atomic():
        head = lock_chain()
        cases = cases_of(models.Declaration.objects.filter(pk__in=numbers, in_flight=True), SERVICE, "")
        filed = _filed(standing, replace(news, facts=frozenset()), cases, at)
        append([note_met(_watched(news, cases, filed), at)], at=at, head=head)


def redecide_late(
    *, standing: Standing, before: Asked | None, keys: Keys, cause: str, since: datetime, at: datetime
) -> Redecided:
    """Ask what is new of what an older set or day decided since; within the transaction that notes the news as asked.

    The transaction holds the chain, so that whatever is decided after it sees that the news was asked.
    """
    lock_chain()
    news = news_of(Asked.within(standing.content, standing.force, standing.on), before, standing.on)
    if news.empty:
        return Redecided()
    late = models.Decision.objects.filter(
        decided_on__gte=standing.on - timedelta(days=1), decided_at__gte=since,
        declaration__in_flight=True, declaration__decision_id=F("pk"),
    ).exclude(set_id=standing.content.digest, decided_on=standing.on)  # fmt: skip
    numbers = sorted(late.values_list("declaration_id", flat=True))
    if not numbers:
        return Redecided()
    return redecide(standing=standing, news=news, numbers=numbers, keys=keys, cause=cause, by=SERVICE, at=at)


def _asking(standing: Standing, news: News) -> Standing:
    """Return the standing that makes only the facts which the news asks."""
    weigher = standing.weigher
    if not isinstance(weigher, Here) or not news.facts:
        return standing
    image = narrowed(weigher.image, standing.catalogue, news.facts)
    return replace(standing, weigher=replace(weigher, image=image))


def _reached(standing: Standing, news: News, numbers: Sequence[str], at: datetime) -> tuple[list[str], list[str]]:
    """Return the declarations that the news meets, and those that only covert lookouts do, while others lodge."""
    cases = cases_of(models.Declaration.objects.filter(pk__in=numbers), SERVICE, "")
    filed = _filed(standing, news, cases, at)
    reached = [case.number for case in cases if news.meets(case, filed[case.number])]
    watched = {one.declaration_id for one in _watched(news, cases, filed)}
    return reached, sorted(watched.difference(reached))


def _watched(news: News, cases: Sequence[Case], filed: Mapping[str, Row | None]) -> list[Met]:
    """Return what covert lookouts of the news meet."""
    return [
        met_in(case, match)
        for case in cases
        for match in news.lookouts.match_covert(case.lodged.rows, filed[case.number])
    ]


def _filed(standing: Standing, news: News, cases: Sequence[Case], at: datetime) -> dict[str, Row | None]:
    """Return the latest filing of each declaration, and give the cases the facts that the news asks."""
    filings = filings_of(cases)
    if news.facts:
        make_facts(standing, cases, [row for versions in filings.values() for row in versions], at)
    return {case.number: latest_filing(case, filings) for case in cases}


def _in_parts(found: QuerySet[models.Declaration]) -> Iterator[list[str]]:
    last = ""
    while numbers := list(found.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        yield numbers
        last = numbers[-1]


@action("declaration.redecide")
def redecide(
    *,
    standing: Standing,
    news: News | None,
    numbers: Sequence[str],
    keys: Keys,
    cause: str,
    by: Actor,
    at: datetime,
) -> Redecided:
    """Decide these declarations again where they are in flight and the news (None: whatever it is) meets them."""
    head = lock_chain()
    rows = models.Declaration.objects.filter(pk__in=numbers, in_flight=True)
    cases = cases_of(rows, by, cause)
    filed = {} if news is None else _filed(standing, news, cases, at)
    met = cases if news is None else [case for case in cases if news.meets(case, filed[case.number])]
    noted = [] if news is None else _watched(news, cases, filed)
    done = Redecided(asked=len(cases), met=len(met))
    if met:
        kept, gathered = taken(standing, keys, met, at)
        answers = _answers_before(met)
        changed = [one for one in kept if _changed(one, answers)]
        same = [one for one in kept if not _changed(one, answers)]
        if changed:
            write(standing, changed, gathered, at, head)
        noted += met_by(same)
        done.changed = len(changed)
        done.risen = sum(_rose(one) for one in changed)
    entry = note_met(noted, at)
    record(entry.record, entry.content, action=entry.action)
    record("declarations:in flight", to_json({"asked": done.asked, "met": done.met, "changed": done.changed}).encode())
    return done


def _met(standing: Standing, news: News, cases: Sequence[Case], at: datetime) -> list[Case]:
    """Return what the news meets."""
    filed = _filed(standing, news, cases, at)
    return [case for case in cases if news.meets(case, filed[case.number])]


def cases_of(rows: QuerySet[models.Declaration], by: Actor, cause: str) -> list[Case]:
    """Return the declarations in the version that stands, to be decided again."""
    declarations = {row.pk: row for row in rows.order_by("pk")}
    lodgements = models.Lodgement.objects.filter(declaration_id__in=declarations)
    stored = {(row.declaration_id, row.version): row for row in lodgements}
    return [
        Case(
            Lodged(number, row.version, lodged_rows(held)),
            by,
            row.version,
            held.content_digest,
            "",
            cause,
            row,
            received=False,
        )
        for number, row in declarations.items()
        if (held := stored.get((number, row.version))) is not None
    ]


def lodged_rows(held: models.Lodgement) -> tuple[dict[str, object], ...]:
    """Return the rows of a stored version, with its number."""
    return tuple({**row, "version": held.version} for row in rows_from_json(unpacked(held.rows), DECLARATIONS))


def _rose(kept: Kept) -> bool:
    return kept.case.before is not None and risen(kept.case.before.channel, kept.decision.channel)


def _answers_before(cases: Sequence[Case]) -> dict[str, str]:
    """Return the answers that stand, by the number of their decision."""
    numbers = [case.before.decision_id for case in cases if case.before is not None]
    return dict(models.Decision.objects.filter(pk__in=numbers).values_list("pk", "answer"))


def _changed(kept: Kept, answers: Mapping[str, str]) -> bool:
    """Tell whether a client would be told anything else than before: a channel, a control or an instruction more."""
    if kept.case.before is None or _rose(kept):
        return True
    return _told(answers[kept.case.before.decision_id]) != _told(kept.record.answer)


def _told(answer: str) -> dict[str, object]:
    held: dict[str, object] = json.loads(answer)
    return {name: value for name, value in held.items() if name in ("channel", "treatments", "items")}


@action("declaration.recall")
def recall(
    *, standing: Standing, news: News | None, numbers: Sequence[str], keys: Keys, cause: str, by: Actor, at: datetime
) -> int:
    """List released goods that the news (None: whatever it is) would have selected; return how many were not yet."""
    cases = cases_of(models.Declaration.objects.filter(pk__in=numbers, in_flight=False), by, cause)
    met = cases if news is None else _met(standing, news, cases, at)
    listed = 0
    if met:
        kept, _ = taken(standing, keys, met, at)
        for one in kept:
            if one.case.before is None or not risen(one.case.before.channel, one.decision.channel):
                continue
            made = list_for_recall(one, cause, at)
            if made is not None:
                record(f"recall:{made.pk}", recall_content(made))
                listed += 1
    record(f"recalls:{cause}"[:200], str(listed).encode())
    return listed
