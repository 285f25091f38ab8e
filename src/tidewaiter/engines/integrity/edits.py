"""Quiet list edits: edits that lower selection at odd hours, just before the beneficiary files, undone soon after."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tidewaiter.engines.integrity.finding import (
    IntegrityFinding,
    Kind,
    Screening,
    as_the_others,
    counted,
    listed,
    share,
)

_AROUND = timedelta(days=45)
_OFTEN = 0.2
"""A beneficiary who files so often that this share of moments lie shortly before a filing says nothing by it."""


class Mark(StrEnum):
    """What makes a lowering edit quiet."""

    OUTSIDE_HOURS = "made outside working hours"
    BEFORE_FILING = "made shortly before a beneficiary filed"
    PUT_BACK = "put back soon after"
    IN_BULK = "one of many lowered at once"
    BY_ONE = "made by one person"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """When people of the administration work: local time, days of the week (Monday 0) and holidays left out."""

    time_zone: str
    opens: time = time(7)
    closes: time = time(19)
    weekdays: frozenset[int] = frozenset(range(5))
    holidays: frozenset[date] = frozenset()

    def covers(self, moment: datetime) -> bool:
        """Tell whether that moment is within working hours; `closes` itself is not."""
        local = moment.astimezone(ZoneInfo(self.time_zone))
        working_day = local.weekday() in self.weekdays and local.date() not in self.holidays
        return working_day and self.opens <= local.time() < self.closes


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEdit:
    """One edit of a list, lookout or trusted-trader record, of the routing policy, or of what profiles are in force.

    `entries` are what was changed, `beneficiaries` the codes of parties who are selected less for it.
    `would_have_lost` are past selections that the edit would have lost, as shown when it was made; `not_selected` the
    declarations lodged since that the list as it stood would have selected and that were released unselected;
    `perhaps_not_selected` counts those of which what is stored does not tell.
    """

    edit_id: str
    list_code: str
    officer: str
    edited_at: datetime
    lowers: bool
    entries: tuple[str, ...]
    beneficiaries: tuple[str, ...] = ()
    would_have_lost: tuple[str, ...] = ()
    not_selected: tuple[str, ...] = ()
    perhaps_not_selected: int = 0
    second_person: str | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """One declaration or consignment that a party lodged."""

    party: str
    document_id: str
    lodged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When an edit earns a mark: so long before a filing, put back within, so many entries within an hour."""

    before_filing: timedelta = timedelta(hours=24)
    put_back: timedelta = timedelta(days=7)
    bulk: int = 20


DEFAULT = Thresholds()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A lowering edit with its marks, each with what is to be said about it, and the filings that followed."""

    edit: ListEdit
    marks: Mapping[Mark, str]
    filed: tuple[str, ...]

    @property
    def quiet(self) -> bool:
        """Tell whether it has two marks, or one and a declaration that went, or may have gone, unselected for it."""
        passed = self.edit.not_selected or self.edit.perhaps_not_selected
        return len(self.marks) >= 2 or bool(self.marks and passed)


@dataclass(slots=True)
class _Trade:
    """The filings of each party, in order."""

    held: dict[str, list[Filing]] = field(default_factory=dict)

    @classmethod
    def of(cls, filings: Iterable[Filing]) -> "_Trade":
        held: defaultdict[str, list[Filing]] = defaultdict(list)
        for one in filings:
            held[one.party].append(one)
        return cls({party: sorted(ones, key=lambda one: one.lodged_at) for party, ones in held.items()})

    def between(self, parties: Iterable[str], start: datetime, end: datetime) -> list[Filing]:
        """Return what these parties lodged from start to end, in order."""
        found = []
        for party in dict.fromkeys(parties):
            ones = self.held.get(party, [])
            first = bisect_left(ones, start, key=lambda one: one.lodged_at)
            for one in ones[first:]:
                if one.lodged_at > end:
                    break
                found.append(one)
        return sorted(found, key=lambda one: (one.lodged_at, one.document_id))


def quiet_edits(
    edits: Iterable[ListEdit],
    filings: Iterable[Filing],
    *,
    hours: WorkingHours,
    thresholds: Thresholds = DEFAULT,
    notes: tuple[str, ...] = (),
) -> Screening:
    """Return the lowering edits with at least two marks, or with one mark and a declaration not selected for it.

    A mark is a fact, not a test; "shortly before a beneficiary filed" is given only where fewer than one moment in
    five of the 90 days around lies so shortly before a filing of theirs, and the finding says what share does.
    `notes` are what the screening says of how the edits were looked at.
    """
    held = sorted(edits, key=lambda one: (one.edited_at, one.edit_id))
    trade = _Trade.of(filings)
    seen = [_Seen(one, *_marks(one, held, trade, hours, thresholds)) for one in held if one.lowers]
    quiet = [one for one in seen if one.quiet]
    found = [_finding(one, seen) for one in sorted(quiet, key=_weight)]
    return listed(Kind.QUIET_EDIT, "lowering edits", found, tested=len(seen), notes=notes)


def _weight(one: _Seen) -> tuple[int, int, datetime, str]:
    """Return what orders findings: most marks first, then most declarations not selected, then time."""
    return -len(one.marks), -len(one.edit.not_selected), one.edit.edited_at, one.edit.edit_id


def _marks(
    edit: ListEdit, held: Sequence[ListEdit], trade: _Trade, hours: WorkingHours, thresholds: Thresholds
) -> tuple[dict[Mark, str], tuple[str, ...]]:
    marks: dict[Mark, str] = {}
    if not hours.covers(edit.edited_at):
        local = edit.edited_at.astimezone(ZoneInfo(hours.time_zone))
        marks[Mark.OUTSIDE_HOURS] = f"it was made outside working hours ({local:%A %H:%M})"
    filed = trade.between(edit.beneficiaries, edit.edited_at, edit.edited_at + thresholds.before_filing)
    by_chance = _covered(edit, trade, thresholds.before_filing)
    if filed and by_chance < _OFTEN:
        marks[Mark.BEFORE_FILING] = (
            f"{filed[0].party} filed {_long(filed[0].lodged_at - edit.edited_at)} later "
            f"(so of {100 * by_chance:.1f} % of all moments)"
        )
    back = _put_back(edit, held, thresholds.put_back)
    if back is not None:
        marks[Mark.PUT_BACK] = f"it was put back {_long(back.edited_at - edit.edited_at)} later by {back.officer}"
    together = _together(edit, held)
    if together >= thresholds.bulk:
        marks[Mark.IN_BULK] = f"it was among {together} entries that {edit.officer} lowered within an hour"
    if edit.second_person is None:
        marks[Mark.BY_ONE] = "it was made by one person"
    return marks, tuple(one.document_id for one in filed) if Mark.BEFORE_FILING in marks else ()


def _covered(edit: ListEdit, trade: _Trade, before: timedelta) -> float:
    """Return the share of moments in the 90 days around the edit that lie so shortly before a filing."""
    start, end = edit.edited_at - _AROUND, edit.edited_at + _AROUND
    covered, reached = timedelta(), start
    for one in trade.between(edit.beneficiaries, start, end):
        covered += one.lodged_at - max(reached, one.lodged_at - before)
        reached = one.lodged_at
    return covered / (end - start)


def _put_back(edit: ListEdit, held: Sequence[ListEdit], within: timedelta) -> ListEdit | None:
    """Return the first later edit of the same list that raises one of the same entries again, soon enough."""
    entries = frozenset(edit.entries)
    first = bisect_left(held, edit.edited_at, key=lambda one: one.edited_at)
    for one in held[first:]:
        if one.edited_at > edit.edited_at + within:
            return None
        if not one.lowers and one.list_code == edit.list_code and entries.intersection(one.entries):
            return one
    return None


def _together(edit: ListEdit, held: Sequence[ListEdit]) -> int:
    """Return how many entries the same officer lowered in the hour around the edit."""
    half = timedelta(minutes=30)
    first = bisect_left(held, edit.edited_at - half, key=lambda one: one.edited_at)
    count = 0
    for one in held[first:]:
        if one.edited_at > edit.edited_at + half:
            break
        count += len(one.entries) if one.lowers and one.officer == edit.officer else 0
    return count


def _long(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.0f} days"


def _perhaps(edit: ListEdit) -> str:
    return f" (and perhaps {edit.perhaps_not_selected} more)" if edit.perhaps_not_selected else ""


def _finding(one: _Seen, seen: Sequence[_Seen]) -> IntegrityFinding:
    edit = one.edit
    own = [other for other in seen if other.edit.officer == edit.officer]
    expected = as_the_others(len(own), [other.quiet for other in seen if other.edit.officer != edit.officer])
    who = ", ".join(edit.beneficiaries[:3]) + (
        f" and {len(edit.beneficiaries) - 3} more" if edit.beneficiaries[3:] else ""
    )
    return IntegrityFinding(
        kind=Kind.QUIET_EDIT,
        officer=edit.officer,
        party=edit.beneficiaries[0] if len(edit.beneficiaries) == 1 else None,
        sentence=(
            f"Officer {edit.officer} (second person: {edit.second_person or 'none'}) lowered "
            f"{counted(len(edit.entries), 'entry', 'entries')} of list {edit.list_code} to the benefit of "
            f"{who or 'parties not named'}: {'; '.join(one.marks.values())}; "
            f"{counted(len(edit.not_selected), 'declaration')} since not selected for it"
            f"{_perhaps(edit)}, and {counted(len(edit.would_have_lost), 'past selection')} that would have been lost."
        ),
        figures=share("this officer's lowering edits that are quiet", sum(o.quiet for o in own), len(own), expected),
        evidence=(edit.edit_id, *dict.fromkeys((*edit.not_selected, *one.filed))),
    )
