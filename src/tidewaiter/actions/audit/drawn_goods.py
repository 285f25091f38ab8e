"""What the goods of a day must be drawn by, worked out again from what was received; stored marks explain nothing.

Read are the declarations and filings that came or were drawn on the day, and those that their marks lead to within the
days for which a mark hands on, one after another. The marks by which goods are found again serve to find them only;
those of the day's own declarations are compared with what was declared, so that none can be taken away unseen.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from heapq import merge
from itertools import batched
from zoneinfo import ZoneInfo

from django.db.models import Q

from tidewaiter.actions.decisions.flight import lodged_rows
from tidewaiter.actions.decisions.goods import CONTAINER, DOCUMENT, hand_on
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.profiles.publishing import SetContent, earlier_set
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.inheritance import HandOn, Inherited, Lot, Marked, handed_on, inherit, marked
from tidewaiter.storage.records import models
from tidewaiter.storage.records.asking import among, ask, texts

_AT_ONCE = 500
_MAKING_READY = timedelta(days=1)
"""What comes while a new day is made ready is drawn with the key of the day before."""


class Policies:
    """The routing policies of the sets that decisions name, by version, and what was found wrong on the way."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take the catalogue that sets are read with."""
        self.catalogue = catalogue
        self.by_version: dict[int, Policy] = {}
        self.problems: list[str] = []
        self.longest = HandOn(document_days=0, container_days=0)
        self._sets: dict[str, SetContent] = {}
        self._note(_UNSAID)

    def of(self, digest: str | None) -> Policy:
        """Return the policy of a set, and note it; two policies of one version are a discrepancy."""
        if digest is None:
            return _UNSAID
        if digest not in self._sets:
            content, _ = earlier_set(digest, self.catalogue)
            self._sets[digest] = content
            held = self.by_version.setdefault(content.policy.version, content.policy)
            if held != content.policy:
                self.problems.append(f"two routing policies have version {content.policy.version}")
            self._note(content.policy)
        return self._sets[digest].policy

    def _note(self, policy: Policy) -> None:
        self.longest = HandOn(
            document_days=max(self.longest.document_days, policy.document_mark_days),
            container_days=max(self.longest.container_days, policy.container_mark_days),
        )


_UNSAID = Policy(name="", version=0, random_share=0)


@dataclass(frozen=True, slots=True)
class Came:
    """Goods as they came, in a version of a declaration or in a filing; `on` and `set_digest` as decided then.

    `place` is the number of the stored version. `set_digest` is None where no decision of it is held: it counts by the
    day it came.
    """

    own: Marked
    version: int
    declared: bool
    place: int
    received_at: datetime
    on: date
    set_digest: str | None


@dataclass(slots=True)
class DrawnGoods:
    """What the goods of a day must be drawn by: by declaration its lots, by version those beside the first.

    `handed_on` are the lots of the day that marks hand on; `marks` the marks of the declarations received on the day.
    Where declarations were purged, marks from before the first that is held (`believed_before`, None: nothing was
    purged) are taken as they stand: `believed` is their number.
    """

    lots: dict[str, Inherited] = field(default_factory=dict)
    beside: dict[tuple[str, int], tuple[tuple[str, date], ...]] = field(default_factory=dict)
    handed_on: set[tuple[str, str]] = field(default_factory=set)
    marks: dict[str, set[str]] = field(default_factory=dict)
    believed: int = 0
    believed_before: date | None = None


def drawn_goods(day: date, zone: ZoneInfo, policies: Policies, until: int) -> DrawnGoods:
    """Return what goods must be drawn by that came or are drawn with the key of that day.

    `until` is the last version of a declaration that counts.
    """
    reading = _Reading(day, zone, policies, until)
    came = reading.all()
    found = DrawnGoods(marks=reading.marks_of_the_day())
    seen: dict[str, tuple[Lot, ...]] = {}
    if _purged() and came:
        found.believed_before = _first_day(zone)
        seen = _before_the_records(came, found.believed_before)
        found.believed = sum(map(len, seen.values()))
    for one in came:
        days, number = hand_on(policies.of(one.set_digest)), one.own.declaration_id
        before = found.lots.get(number) if one.declared else None
        drawn = inherit(one.own, seen, one.on, days, () if before is None else before.lots)
        if one.declared:
            found.lots[number] = drawn
            found.beside[number, one.version] = drawn.beside
        for mark, lots in handed_on(one.own, drawn, seen, one.on, days).items():
            seen[mark] = (*seen.get(mark, ()), *lots)
            found.handed_on |= {(mark, lot.identity) for lot in lots if lot.day == day}
    return found


def _purged() -> bool:
    return models.Tombstone.objects.filter(kind__in=("declaration", "consignment")).exists()


def _first_day(zone: ZoneInfo) -> date:
    """Return the day on which the first declaration or filing came that is still held."""
    moments = [_first_moment(models.Lodgement), _first_moment(models.Consignment)]
    return min(moment for moment in moments if moment is not None).astimezone(zone).date()


def _before_the_records(came: Iterable[Came], first: date) -> dict[str, tuple[Lot, ...]]:
    """Return the lots that marks hand on from before that day."""
    found: dict[str, tuple[Lot, ...]] = {}
    for part in batched(sorted({mark for one in came for mark in one.own.marks}), _AT_ONCE):
        rows = models.DrawIdentity.objects.filter(mark__in=part, day__lt=first).order_by("day", "identity")
        for row in rows:
            found[row.mark] = (*found.get(row.mark, ()), Lot(row.day, row.identity))
    return found


def _first_moment(model: type[models.Lodgement] | type[models.Consignment]) -> datetime | None:
    return model.objects.order_by("pk").values_list("received_at", flat=True).first()


class _Reading:
    """Reads what came on a day, and from there whatever marks lead to, each once."""

    def __init__(self, day: date, zone: ZoneInfo, policies: Policies, until: int) -> None:
        self.day, self.zone, self.policies, self.until = day, zone, policies, until
        self.declared: dict[str, list[Came]] = {}
        self.filed: dict[str, list[Came]] = {}
        self._named: dict[str, tuple[date, date]] = {}

    def all(self) -> list[Came]:
        """Return all that came in its order: versions as they were decided, which is the order of their rows."""
        longest = self.policies.longest
        reached, marks = self._of_the_day(), self._read_filings(self._filed_on_the_day())
        while reached or marks:
            marks |= self._read(reached)
            if longest != self.policies.longest:
                longest, marks = self.policies.longest, set(self._named)
            reached, marks = self._beyond(marks), set()
        versions = sorted((one for found in self.declared.values() for one in found), key=lambda one: one.place)
        filings = sorted((one for found in self.filed.values() for one in found), key=lambda one: one.place)
        return list(merge(versions, filings, key=lambda one: one.received_at))

    def marks_of_the_day(self) -> dict[str, set[str]]:
        """Return by declaration the marks of the versions that came on the day."""
        found: dict[str, set[str]] = {}
        for number, versions in self.declared.items():
            own = {mark for one in versions if one.on == self.day for mark in one.own.marks}
            if own:
                found[number] = own
        return found

    def _window(self) -> tuple[datetime, datetime]:
        begins = datetime.combine(self.day, time(), self.zone)
        return begins, datetime.combine(self.day + timedelta(days=1), time(), self.zone)

    def _of_the_day(self) -> set[str]:
        begins, ends = self._window()
        came = models.Lodgement.objects.filter(received_at__gte=begins, received_at__lt=ends)
        decided = models.Decision.objects.filter(Q(decided_on=self.day) | Q(draw_day=self.day))
        return {
            *came.values_list("declaration_id", flat=True),
            *decided.values_list("declaration_id", flat=True),
        }

    def _filed_on_the_day(self) -> set[str]:
        begins, ends = self._window()
        filed = models.Consignment.objects.filter(received_at__gte=begins, received_at__lt=ends + _MAKING_READY)
        return set(filed.values_list("consignment_id", flat=True))

    def _read(self, numbers: Collection[str]) -> set[str]:
        """Read declarations and the filings of their documents; return the marks that now lead farther."""
        farther: set[str] = set()
        for part in batched(sorted(numbers), _AT_ONCE):
            self.declared |= {number: [] for number in part}
            for one in self._versions(part):
                self.declared[one.own.declaration_id].append(one)
                farther |= self._farther(one)
        documents = {document for n in numbers for one in self.declared[n] for document in one.own.documents}
        return farther | self._read_filings(documents - self.filed.keys())

    def _read_filings(self, numbers: Collection[str]) -> set[str]:
        farther: set[str] = set()
        for part in batched(sorted(numbers), _AT_ONCE):
            self.filed |= {number: [] for number in part}
            for row in models.Consignment.objects.filter(consignment_id__in=part).defer("answer", "row"):
                came = _filing(row)
                self.filed[row.consignment_id].append(came)
                farther |= self._farther(came)
        return farther

    def _farther(self, came: Came) -> set[str]:
        """Note the first and last day on which marks were named; return the marks for which that is new."""
        found = set()
        for mark in came.own.marks:
            first, last = self._named.get(mark, (came.on, came.on))
            span = min(first, came.on), max(last, came.on)
            if self._named.get(mark) != span:
                self._named[mark] = span
                found.add(mark)
        return found

    def _versions(self, numbers: Collection[str]) -> Iterator[Came]:
        held = models.Decision.objects.filter(declaration_id__in=numbers).order_by("-ordinal")
        named = held.values_list("declaration_id", "version", "decided_on", "set_id")
        decided = {(number, version): (on, digest) for number, version, on, digest in named}
        for row in models.Lodgement.objects.filter(pk__lte=self.until, declaration_id__in=numbers).order_by("pk"):
            on, digest = decided.get((row.declaration_id, row.version), (None, None))
            self.policies.of(digest)
            own = marked(lodged_rows(row))
            yield Came(own, row.version, True, row.pk, row.received_at, self._day_of(row, on), digest)

    def _day_of(self, row: models.Lodgement, on: date | None) -> date:
        """Return the day on which a version was decided; one that does not fit the moment it came is a discrepancy."""
        day = row.received_at.astimezone(self.zone).date()
        if on is None or timedelta(0) <= day - on <= _MAKING_READY:
            return on or day
        self.policies.problems.append(f"{row.declaration_id}: came on {day} and was decided as on {on}")
        return day

    def _beyond(self, marks: Collection[str]) -> set[str]:
        """Return the declarations that share these marks, near enough in time for one to hand on to the other."""
        longest, found, older = self.policies.longest, set[str](), set[str]()
        reach = {
            DOCUMENT: timedelta(longest.document_days) + _MAKING_READY,
            CONTAINER: timedelta(longest.container_days) + _MAKING_READY,
        }
        for part in batched(sorted(marks), _AT_ONCE):
            values = texts({mark.partition(" ")[2] for mark in part})
            for kind, value, number, on in ask(_SHARING.format(among=among()), [values]):
                mark = f"{kind} {value}"
                if mark not in marks or number in self.declared:
                    continue
                first, last = self._named[mark]
                latest = min(last + reach[kind], max(last, self.day + reach[kind]))
                if first - reach[kind] <= on <= latest:
                    found.add(number)
                elif on < first:
                    older.add(number)
        return found | _amended(older - found)


_SHARING = (
    "SELECT kind, value, declaration_id, lodged_on FROM records_mark "
    "WHERE kind IN ('document', 'container') AND value {among}"
)


def _amended(numbers: Collection[str]) -> set[str]:
    """Return those declarations that came in several versions: a later one may have left the mark."""
    statement = f"SELECT declaration_id FROM records_declaration WHERE version > 1 AND declaration_id {among()}"
    return {number for (number,) in ask(statement, [texts(numbers)])} if numbers else set()


def _filing(row: models.Consignment) -> Came:
    """Return a filing: a declaration under the document of one is drawn by it."""
    body, number = json.loads(unpacked(row.body)), row.consignment_id
    own = Marked(declaration_id=number, documents=(number,), containers=frozenset())
    on = date.fromisoformat(body["on"])
    return Came(own, row.version, False, row.pk, row.received_at, on, body["set"])
