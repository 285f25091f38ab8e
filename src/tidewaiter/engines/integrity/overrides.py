"""Overrides: changes of channel by officers, what they could have been made to, and how often they were right."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.rate import Rate, rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One change of channel by an officer. `found`: what a later examination established; None when none is known."""

    override_id: str
    declaration_id: str
    officer: str
    before: Channel
    after: Channel
    found: bool | None = None

    @property
    def lowers(self) -> bool:
        """Tell whether the new channel is less strict."""
        return self.after.strictness < self.before.strictness


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """One selected declaration, whose channel an officer of the office could have lowered.

    `officer` handled it (None: nobody did yet). `identity` is what the draw was drawn by ("": the declaration's own):
    declarations of one identity are one consignment split up, so they count once.
    """

    declaration_id: str
    office: str
    selected_on: date
    declarant: str
    importer: str | None = None
    officer: str | None = None
    identity: str = ""

    @property
    def unit(self) -> str:
        """Return what counts once."""
        return self.identity or self.declaration_id

    @property
    def stratum(self) -> tuple[str, int, int]:
        """Return the office and month it is compared within."""
        return self.office, self.selected_on.year, self.selected_on.month

    @property
    def parties(self) -> frozenset[str]:
        """Return the declarant and, where it is known, the importer."""
        return frozenset({self.declarant}) | ({self.importer} if self.importer else frozenset())


@dataclass(frozen=True, slots=True)
class OverrideSuccess:
    """How often overrides in one direction were right, of those whose later result is known.

    Raising is borne out by something found, lowering by nothing found. `officer` None: all officers. `overrides`
    counts all of them, known result or not; lowered goods are seldom examined, so `borne_out` (None when no result is
    known) says nothing of the rest.
    """

    officer: str | None
    lowering: bool
    overrides: int
    borne_out: Rate | None


def override_success(overrides: Iterable[Override]) -> tuple[OverrideSuccess, ...]:
    """Return for all officers together, then for each, how often raising and lowering were borne out."""
    held: defaultdict[tuple[str, bool], list[Override]] = defaultdict(list)
    for one in overrides:
        if one.before is not one.after:
            held["", one.lowers].append(one)
            held[one.officer, one.lowers].append(one)
    return tuple(_success(officer or None, lowering, held[officer, lowering]) for officer, lowering in sorted(held))


def _success(officer: str | None, lowering: bool, held: Sequence[Override]) -> OverrideSuccess:
    known = [one for one in held if one.found is not None]
    right = sum(one.found is not lowering for one in known)
    return OverrideSuccess(officer, lowering, len(held), rate(right, len(known)))


@dataclass(frozen=True, slots=True)
class Lowered:
    """One consignment that an officer lowered: the declaration it is known by, and the overrides."""

    first: Selected
    override_ids: tuple[str, ...]


def consignments_lowered(
    overrides: Iterable[Override], selected: Iterable[Selected]
) -> tuple[dict[str, Selected], dict[str, list[Lowered]]]:
    """Return the selected consignments by unit, and by officer those that the officer lowered, each once.

    Raises InputError naming every override whose declaration is not among the selected.
    """
    by_declaration: dict[str, Selected] = {}
    by_unit: dict[str, Selected] = {}
    for one in selected:
        by_unit.setdefault(one.unit, one)
        by_declaration[one.declaration_id] = by_unit[one.unit]
    lowering = [one for one in overrides if one.lowers]
    unknown = [one for one in lowering if one.declaration_id not in by_declaration]
    if unknown:
        raise InputError(
            Problem(f"override {one.override_id!r}: declaration {one.declaration_id!r} is not among the selected")
            for one in unknown
        )
    grouped: defaultdict[tuple[str, str], list[Override]] = defaultdict(list)
    for change in lowering:
        grouped[change.officer, by_declaration[change.declaration_id].unit].append(change)
    lowered: defaultdict[str, list[Lowered]] = defaultdict(list)
    for (officer, unit), held in grouped.items():
        lowered[officer].append(Lowered(by_unit[unit], tuple(one.override_id for one in held)))
    return by_unit, dict(lowered)
