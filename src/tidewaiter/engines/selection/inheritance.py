"""What a declaration is drawn by when its goods were drawn for before: marks, and the lots that they hand on.

A lot is an identity with the day whose key draws it. Goods met again keep the lots of their earlier lodgings; where
several are met, all of them are drawn and the strictest outcome counts, so that naming one more document never helps.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from tidewaiter.engines.selection.draw import identity

_DOCUMENT, _CONTAINER = "document ", "container "


class Lot(NamedTuple):
    """What goods are drawn by: an identity, and the day it was first lodged, whose key is used."""

    day: date
    identity: str


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a declaration is drawn by: at least one lot. The first names the declaration's draw and never changes."""

    lots: tuple[Lot, ...]

    @property
    def identity(self) -> str:
        """Return the identity of the first lot."""
        return self.lots[0].identity

    @property
    def day(self) -> date:
        """Return the day of the first lot."""
        return self.lots[0].day

    @property
    def beside(self) -> tuple[tuple[str, date], ...]:
        """Return identity and day of the lots beside the first."""
        return tuple((lot.identity, lot.day) for lot in self.lots[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOn:
    """For how many days after the day of a lot a document and a container hand it on. A policy's values."""

    document_days: int
    container_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One declaration with what marks its goods: documents in the order in which its items name them, containers."""

    declaration_id: str
    documents: tuple[str, ...]
    containers: frozenset[str]

    @property
    def marks(self) -> tuple[str, ...]:
        """Return all marks: the documents, then the containers sorted."""
        return (*map(_document, self.documents), *map(_container, sorted(self.containers)))


def marked(rows: Sequence[Mapping[str, Any]]) -> Marked:
    """Return what marks the goods of a declaration, from its items as declared: those of all items united."""
    documents = dict.fromkeys(row["previous_document"] for row in rows if row.get("previous_document"))
    containers = frozenset(number for row in rows for number in row.get("containers") or ())
    return Marked(declaration_id=str(rows[0]["declaration_id"]), documents=tuple(documents), containers=containers)


def marks_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the marks of a declaration, under which the service keeps what its goods are drawn by."""
    return marked(rows).marks


def inherit(
    own: Marked, seen: Mapping[str, Collection[Lot]], on: date, days: HandOn, before: Sequence[Lot] = ()
) -> Inherited:
    """Return what a declaration received on that day is drawn by.

    `seen` holds the lots of earlier declarations under their marks; `before` those of its own earlier version, which it
    keeps. All lots that its marks still hand on count. It gets a lot of its own where there is none, and where it names
    a document that was not drawn for, unless all its containers say that the goods were: so a document that was not
    drawn, named beside a new one, spares nobody the draw.
    """
    met = {mark: counting(mark, seen.get(mark, ()), on, days) for mark in own.marks}
    lots = [*before, *sorted({lot for found in met.values() for lot in found}.difference(before))]
    drawn = {mark for mark in own.marks if met[mark] or not set(before).isdisjoint(seen.get(mark, ()))}
    new = [one for one in own.documents if _document(one) not in drawn]
    boxed = own.containers and drawn.issuperset(map(_container, own.containers))
    if not lots or (new and not boxed):
        lots.append(Lot(on, identity(own.declaration_id, new[0] if new else None, own.containers)))
    return Inherited(tuple(lots))


def _document(name: str) -> str:
    return f"{_DOCUMENT}{name}"


def _container(number: str) -> str:
    return f"{_CONTAINER}{number}"


def counting(mark: str, lots: Iterable[Lot], on: date, days: HandOn) -> tuple[Lot, ...]:
    """Return those of a mark's lots that it still hands on: an older one is as if it had never been."""
    most = days.document_days if mark.startswith(_DOCUMENT) else days.container_days
    return tuple(lot for lot in lots if (on - lot.day).days <= most)


def handed_on(
    own: Marked, drawn: Inherited, seen: Mapping[str, Collection[Lot]], on: date, days: HandOn
) -> dict[str, tuple[Lot, ...]]:
    """Return by mark what it hands on from here beside what `seen` holds: a mark that hands on nothing takes all."""
    found = {}
    for mark in own.marks:
        if not counting(mark, seen.get(mark, ()), on, days):
            lots = counting(mark, drawn.lots, on, days)
            if lots:
                found[mark] = lots
    return found


def inherited_all(lodged: Iterable[tuple[Marked, date]], days: HandOn) -> dict[str, Inherited]:
    """Return what each declaration is drawn by, in the order of lodging; the reference for any store of marks.

    A declaration that comes again is amended: it keeps its lots.
    """
    seen: dict[str, tuple[Lot, ...]] = {}
    found: dict[str, Inherited] = {}
    for own, on in lodged:
        before = found.get(own.declaration_id)
        drawn = inherit(own, seen, on, days, () if before is None else before.lots)
        found[own.declaration_id] = drawn
        for mark, lots in handed_on(own, drawn, seen, on, days).items():
            seen[mark] = (*seen.get(mark, ()), *lots)
    return found
