"""Weighing ahead: what declarations say is found out while those before them are still being decided.

It rests on what the records held a moment before, and on what the declarations under way will add to the counts of the
day. Whoever decides checks that when their turn has come: what rests on anything else is weighed again. So a decision
is the same whether its declaration was weighed ahead or not.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tidewaiter.actions.acting import SERVICE, Actor
from tidewaiter.actions.decisions.deciding import Group, Lodged
from tidewaiter.actions.decisions.fact_making import parcel_of
from tidewaiter.actions.decisions.gathering import Case, filings_of, latest_filing
from tidewaiter.actions.decisions.keeping import filing_text
from tidewaiter.actions.decisions.same_day import earlier_in_records
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.traces import LODGED
from tidewaiter.actions.decisions.weighing import Count, Here, Lot, Parcel, Weighed
from tidewaiter.storage.lake.facts.live_same_day import Receipt, SameDayAsked, earlier_among

type Row = Mapping[str, object]
type Filed = Mapping[str, Sequence[object]]
"""The versions of the filings that the records hold, by document."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a declaration was found to say, and what that rests on.

    `filed` are the versions of all filings under its documents, `counts` the answers to `weighed.counted`.
    """

    version: int
    receipt: Receipt
    filing: bytes
    filed: Filed
    counts: Sequence[int]
    weighed: Weighed

    def rests_on(self, parcel: Parcel, filed: Filed) -> bool:
        """Tell whether all but the counts is as it was thought to be."""
        mine = (self.version, self.receipt, self.filing)
        same = mine == (parcel.version, parcel.receipt, parcel.filing)
        return same and self.filed == _of_documents(parcel.rows, filed)


@dataclass(frozen=True, slots=True)
class SentGroup:
    """Declarations to be decided together, as they go from process to process.

    Each comes with the place of who sent it among the callers. `number` counts the groups weighed ahead, `finished` is
    that of the last whose outcome is known. `foreseen` is by declaration.
    """

    lodged: Sequence[tuple[Lodged, int]]
    callers: Sequence[Actor]
    at: datetime
    number: int = 0
    finished: int = 0
    foreseen: Mapping[str, Foreseen] = field(default_factory=dict)

    @classmethod
    def of(cls, group: Group, at: datetime, number: int = 0, finished: int = 0) -> "SentGroup":
        """Tell every caller once: they are more than their names."""
        callers: dict[Actor, int] = {}
        lodged = [(one, callers.setdefault(by, len(callers))) for one, by in group]
        return cls(lodged, list(callers), at, number, finished)

    def whole(self) -> list[tuple[Lodged, Actor]]:
        """Return the declarations with their callers."""
        return [(one, self.callers[place]) for one, place in self.lodged]


class Ahead:
    """Weighs groups ahead, one after the other, for whoever decides them in that order."""

    def __init__(self, standing: Standing) -> None:
        """Weigh by a standing of this process."""
        self._standing = standing
        self._under_way: dict[int, list[SameDayAsked]] = {}

    def weighed(self, group: SentGroup) -> SentGroup:
        """Return the group with what its declarations say.

        One that comes twice in it, or whose text is still to be written, is left to whoever decides.
        """
        for number in [one for one in self._under_way if one <= group.finished]:
            del self._under_way[number]
        times = Counter(one.declaration_id for one, _ in group.lodged)
        cases = [_first(one) for one, _ in group.lodged if times[one.declaration_id] == 1 and one.text]
        return replace(group, foreseen=self._foreseen(cases, group.at, group.number))

    def _foreseen(self, cases: Sequence[Case], at: datetime, number: int) -> dict[str, Foreseen]:
        standing, filings = self._standing, filings_of(cases)
        parcels = [parcel_of(standing, case, at, filing_text(latest_filing(case, filings))) for case in cases]
        held = [row for found in filings.values() for row in found]
        counts: dict[SameDayAsked, int] = {}
        found = list(standing.weigher.weigh(Lot(parcels, held, at), lambda asked: self._counted(asked, counts)))
        self._under_way[number] = [asked for one in found for asked in one.counted]
        filed = _versions(held)
        return {
            parcel.number: Foreseen(
                parcel.version, parcel.receipt, parcel.filing, _of_documents(parcel.rows, filed),
                [counts[asked] for asked in one.counted], one,
            )
            for parcel, one in zip(parcels, found, strict=True)
        }  # fmt: skip

    def _counted(self, asked: Sequence[SameDayAsked], counts: dict[SameDayAsked, int]) -> dict[SameDayAsked, int]:
        """Return what the records will say of the questions, and note what will be counted in all."""
        before = [one for part in self._under_way.values() for one in part]
        held = earlier_in_records(asked, self._standing.mark_kinds, {one.declaration_id for one in before})
        coming, own = earlier_among(asked, before), earlier_among(asked, asked)
        elsewhere = {one: held.get(one, 0) + coming[one] for one in asked}
        counts.update((one, elsewhere[one] + own[one]) for one in asked)
        return elsewhere


def _first(lodged: Lodged) -> Case:
    """Return a declaration as it is decided where it is the first of its number, which most are."""
    version = lodged.version or 1
    rows = tuple({**row, "version": version} for row in lodged.rows)
    return Case(Lodged(lodged.declaration_id, version, rows), SERVICE, version, "", lodged.text, LODGED, None)


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """Gives what was weighed ahead where it holds, and weighs the rest here."""

    here: Here
    foreseen: Mapping[str, Foreseen]

    @property
    def sound(self) -> bool:
        """Tell whether it can weigh: always."""
        return True

    @property
    def complete(self) -> bool:
        """Tell that nothing of it is missing."""
        return True

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order."""
        known, filed = dict[str, Foreseen](), _versions(lot.filings)
        for parcel in lot.parcels:
            one = self.foreseen.get(parcel.number)
            if one is not None and one.rests_on(parcel, filed):
                known[parcel.number] = one
        if known:
            asked = self._asked(lot, known)
            held = count(asked)
            holds = _holding(asked, known, held)
            yield from self._filled(lot, holds, held)
        else:
            yield from self.here.weigh(lot, count)

    def _asked(self, lot: Lot, known: Mapping[str, Foreseen]) -> list[SameDayAsked]:
        """Return what the same-day facts of all parcels ask."""
        unknown = [parcel for parcel in lot.parcels if parcel.number not in known]
        return [
            *(asked for one in known.values() for asked in one.weighed.counted),
            *(self.here.asked(unknown) if unknown else ()),
        ]

    def _filled(self, lot: Lot, holds: Mapping[str, Weighed], held: Mapping[SameDayAsked, int]) -> Generator[Weighed]:
        """Give what holds, and weigh the rest: `held` counts no parcel of the lot, so those that hold are added."""
        beside = [asked for one in holds.values() for asked in one.counted]

        def counted(asked: Sequence[SameDayAsked]) -> dict[SameDayAsked, int]:
            return {one: held.get(one, 0) + more for one, more in earlier_among(asked, beside).items()}

        again = [parcel for parcel in lot.parcels if parcel.number not in holds]
        weighed = self.here.weigh(Lot(again, lot.filings, lot.at), counted) if again else iter(())
        for parcel in lot.parcels:
            yield holds.get(parcel.number) or next(weighed)


def _holding(
    asked: Sequence[SameDayAsked], known: Mapping[str, Foreseen], held: Mapping[SameDayAsked, int]
) -> dict[str, Weighed]:
    """Return what was weighed by the counts that stand."""
    own = earlier_among(asked, asked)
    return {
        number: one.weighed
        for number, one in known.items()
        if all(
            held.get(asked, 0) + own[asked] == count
            for asked, count in zip(one.weighed.counted, one.counts, strict=True)
        )
    }


def _versions(filings: Iterable[Row]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for row in filings:
        found.setdefault(str(row["consignment_id"]), []).append(row["version"])
    return found


def _of_documents(rows: Sequence[Row], filed: Filed) -> Filed:
    """Return the filings under the documents of a declaration."""
    documents = {str(row["previous_document"]) for row in rows if row.get("previous_document")} if filed else ()
    return {document: filed[document] for document in documents if document in filed}
