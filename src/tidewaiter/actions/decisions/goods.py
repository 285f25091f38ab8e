"""The same goods met again: what they are drawn by, and the strictest channel they were given before.

A declaration that shares a transport document or a container with an earlier one takes over its draw: identity and
day. Either hands it on only within the days the policy sets: containers are used again for other goods, and a document
that is known not to be drawn could be named again. Where several draws are met, all of them count. The channel is
handed on by what has not been released: goods still in flight, and those whose declaration was cancelled; what was
released has had its control.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import connection

from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.inheritance import HandOn, Inherited, Lot, handed_on, inherit, marked
from tidewaiter.storage.records.asking import among, ask, texts
from tidewaiter.storage.records.inserting import insert_values
from tidewaiter.storage.records.models import Declaration, DrawIdentity

DOCUMENT, CONTAINER = "document", "container"

type MarkOf = tuple[str, str]
"""Kind and value of a mark."""

type Row = Mapping[str, object]


def goods_marks(rows: Iterable[Row]) -> tuple[MarkOf, ...]:
    """Return the transport documents and containers of a declaration's items, documents first, sorted."""
    documents: set[str] = set()
    containers: set[str] = set()
    for row in rows:
        if row.get("previous_document"):
            documents.add(str(row["previous_document"]))
        numbers = row.get("containers")
        containers.update(str(number) for number in (numbers if isinstance(numbers, (list, tuple)) else ()))
    return (*((DOCUMENT, one) for one in sorted(documents)), *((CONTAINER, one) for one in sorted(containers)))


def hand_on(policy: Policy) -> HandOn:
    """Return for how many days marks hand on what goods are drawn by."""
    return HandOn(document_days=policy.document_mark_days, container_days=policy.container_mark_days)


@dataclass(slots=True)
class Identities:
    """What a group of declarations is drawn by: what was known of their marks, and what the group itself adds."""

    days: HandOn
    known: dict[str, tuple[Lot, ...]] = field(default_factory=dict)
    added: list[tuple[str, Lot]] = field(default_factory=list)

    @classmethod
    def of(cls, marks: Iterable[MarkOf], days: HandOn) -> "Identities":
        """Return what is known of these marks, however old."""
        found = cls(days)
        asked = [f"{kind} {value}" for kind, value in marks]
        statement = f"SELECT mark, identity, day FROM records_drawidentity WHERE mark {among()} ORDER BY day, identity"
        for mark, identity, day in ask(statement, [texts(asked)]) if asked else ():
            found.known[mark] = (*found.known.get(mark, ()), Lot(day, identity))
        return found

    def drawn(self, rows: Sequence[Row], on: date, before: Sequence[Lot] = ()) -> Inherited:
        """Return what a declaration received on that day is drawn by; its marks hand that on from here.

        `before` is what its earlier version was drawn by.
        """
        own = marked(rows)
        found = inherit(own, self.known, on, self.days, before)
        for mark, lots in handed_on(own, found, self.known, on, self.days).items():
            self.known[mark] = (*self.known.get(mark, ()), *lots)
            self.added += [(mark, lot) for lot in lots]
        return found

    def keep(self, on: date) -> None:
        """Write what the group added."""
        rows = [(mark, lot.identity, lot.day, on) for mark, lot in self.added]
        insert_values(DrawIdentity, ("mark", "identity", "day", "last_on"), rows)


def sharing(marks: Iterable[MarkOf], on: date, container_days: int) -> dict[MarkOf, list[Declaration]]:
    """Return for each mark the declarations under it whose goods were not released: in flight, or cancelled."""
    wanted = set(marks)
    found: dict[MarkOf, list[Declaration]] = {}
    if not wanted:
        return found
    values = texts({value for _, value in wanted})
    since = connection.ops.adapt_datefield_value(on - timedelta(days=container_days))
    held = [
        (key, number)
        for *key, number in ask(_SHARING.format(among=among()), [DOCUMENT, CONTAINER, values, DOCUMENT, since])
        if tuple(key) in wanted
    ]
    declarations = Declaration.objects.in_bulk({number for _, number in held}) if held else {}
    for (kind, value), number in held:
        found.setdefault((kind, value), []).append(declarations[number])
    return found


_SHARING = (
    "SELECT m.kind, m.value, m.declaration_id FROM records_mark m "
    "WHERE m.kind IN (%s, %s) AND m.value {among} AND (m.kind = %s OR m.lodged_on >= %s) "
    "AND (SELECT d.released_at IS NULL FROM records_declaration d WHERE d.declaration_id = m.declaration_id)"
)
"""The marks come first, and their declarations are looked up: joined, PostgreSQL began with all goods in flight."""
