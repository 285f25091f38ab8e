"""What a declaration is drawn by when its goods were drawn for before: marks, and the identity and day they hand on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tidewaiter.engines.selection.draw import identity

_DOCUMENT, _CONTAINER = "document ", "container "


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a declaration is drawn by: an identity, the day it was first lodged (whose key is used), and whence.

    `mark` is the shared document or container; None where the declaration is the first of its goods.
    """

    identity: str
    day: date
    mark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One declaration with what marks its goods."""

    declaration_id: str
    document: str | None
    containers: frozenset[str]

    @property
    def marks(self) -> tuple[str, ...]:
        """Return the marks in the order in which they hand on: the document, then the containers sorted."""
        documents = [f"{_DOCUMENT}{self.document}"] if self.document else []
        return (*documents, *(f"{_CONTAINER}{number}" for number in sorted(self.containers)))


def marked(rows: Sequence[Mapping[str, Any]]) -> Marked:
    """Return what marks the goods of a declaration, from its items as declared.

    The first document named counts; containers of all items are united.
    """
    documents = [row["previous_document"] for row in rows if row.get("previous_document")]
    containers = frozenset(number for row in rows for number in row.get("containers") or ())
    return Marked(
        declaration_id=str(rows[0]["declaration_id"]),
        document=documents[0] if documents else None,
        containers=containers,
    )


def marks_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the marks of a declaration, under which the service keeps what its goods are drawn by."""
    return marked(rows).marks


def inherit(own: Marked, seen: Mapping[str, Inherited], on: date, container_days: int) -> Inherited:
    """Return what a declaration lodged on that day is drawn by.

    `seen` holds what earlier declarations with the same marks were drawn by, under their marks: of several, the
    earliest that still counts. The first mark that hands on wins. A document always hands on; a container for
    `container_days` after the day the identity was first lodged, since it is used again for other goods.
    """
    for mark in own.marks:
        earlier = seen.get(mark)
        if earlier is not None and hands_on(mark, earlier.day, on, container_days):
            return Inherited(identity=earlier.identity, day=earlier.day, mark=mark)
    return Inherited(identity=identity(own.declaration_id, own.document, own.containers), day=on)


def hands_on(mark: str, day: date, on: date, container_days: int) -> bool:
    """Tell whether a mark first drawn for on a day still hands its identity on."""
    return mark.startswith(_DOCUMENT) or (on - day).days <= container_days


def inherited_all(lodged: Iterable[tuple[Marked, date]], container_days: int) -> dict[str, Inherited]:
    """Return what each declaration is drawn by, in the order of lodging; the reference for any store of marks."""
    seen: dict[str, Inherited] = {}
    found: dict[str, Inherited] = {}
    for own, on in lodged:
        drawn_by = inherit(own, seen, on, container_days)
        found[own.declaration_id] = drawn_by
        for mark in own.marks:
            kept = seen.get(mark)
            if kept is None or not hands_on(mark, kept.day, on, container_days):
                seen[mark] = drawn_by
    return found
