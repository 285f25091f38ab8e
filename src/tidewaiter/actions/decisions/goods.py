"""The same goods met again: what they are drawn by, and the strictest channel they were given before.

A declaration that shares a transport document or a container with an earlier one takes over its draw: identity and
day. Containers are used again for other goods, so a container hands on its draw only within the days the policy sets;
a document always does. The channel is handed on by what has not been released: goods still in flight, and those whose
declaration was cancelled; what was released has had its control.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import connection

from tidewaiter.engines.selection.inheritance import Inherited, hands_on, inherit, marked
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


@dataclass(slots=True)
class Identities:
    """What a group of declarations is drawn by: what was known of their marks, and what the group itself adds."""

    container_days: int
    known: dict[str, Inherited] = field(default_factory=dict)
    added: dict[str, Inherited] = field(default_factory=dict)

    @classmethod
    def of(cls, marks: Iterable[MarkOf], on: date, container_days: int) -> "Identities":
        """Return what is known of these marks on that day: of several rows of one mark the earliest that counts."""
        found = cls(container_days)
        asked = [f"{kind} {value}" for kind, value in marks]
        statement = f"SELECT mark, identity, day FROM records_drawidentity WHERE mark {among()} ORDER BY day"
        for mark, identity, day in ask(statement, [texts(asked)]) if asked else ():
            if hands_on(mark, day, on, container_days):
                found.known.setdefault(mark, Inherited(identity=identity, day=day))
        return found

    def drawn(self, rows: Sequence[Row], on: date) -> Inherited:
        """Return what a declaration first lodged on that day is drawn by; its marks hand that on from here."""
        own = marked(rows)
        found = inherit(own, self.known, on, self.container_days)
        self.hand_on(rows, found)
        return found

    def hand_on(self, rows: Sequence[Row], drawn: Inherited) -> None:
        """Let marks that hand on nothing yet hand on this draw (an amendment names a new container)."""
        for mark in marked(rows).marks:
            if mark not in self.known:
                self.known[mark] = self.added[mark] = drawn

    def keep(self, on: date) -> None:
        """Write what the group added."""
        rows = [(mark, drawn.identity, drawn.day, on) for mark, drawn in self.added.items()]
        insert_values(DrawIdentity, ("mark", "identity", "day", "last_on"), rows, unless_there=True)


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
    "JOIN records_declaration d ON d.declaration_id = m.declaration_id "
    "WHERE m.kind IN (%s, %s) AND m.value {among} AND d.released_at IS NULL "
    "AND (m.kind = %s OR m.lodged_on >= %s)"
)
