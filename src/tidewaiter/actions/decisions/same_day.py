"""Same-day counts from the records: how many declarations of an importer, a document or a container came earlier.

Every declaration leaves a mark for each entity that a same-day fact of the catalogue counts; a question is a count
over the index of marks. Counted is by the moment of receipt and the administration's day of it, not by the `lodged_at`
that a client could date back or ahead: a backlog sent after an outage counts on the day it comes in.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.db import connection

from tidewaiter.actions.decisions.goods import CONTAINER, DOCUMENT, MarkOf
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.facts.recipes import Recipe, SameDay
from tidewaiter.storage.records.asking import among, ask, texts

_EPOCH = date(1970, 1, 1)
_GOODS: dict[tuple[str, ...], str] = {("previous_document",): DOCUMENT, ("containers",): CONTAINER}
"""Entities that are the goods' own marks."""


def mark_kinds(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Return for each same-day fact the kind of mark it is counted by."""
    return {name: _GOODS.get(recipe.of, name) for name, recipe in recipes.items() if isinstance(recipe, SameDay)}


def earlier_in_records(asked: Sequence[SameDayAsked], kinds: Mapping[str, str]) -> dict[SameDayAsked, int]:
    """Return how many other declarations in the records came earlier the same day, for each question.

    The declarations asked about are left out, though some may be in the records: they count one another themselves.
    """
    if not asked:
        return {}
    questions = [
        (kinds[one.fact], one.entities, _day(one.lodged_on), _instant(one.received_at), one.declaration_id)
        for one in asked
    ]
    statement = (_COUNTS_HERE if connection.vendor == "sqlite" else _COUNTS).replace("@among", among())
    found = ask(statement, [texts({one.declaration_id for one in asked}), json.dumps(questions)])
    return {asked[number]: count for number, count in found}


_EARLIER = (
    "FROM records_mark m WHERE m.kind = {kind} AND m.value {values} AND m.lodged_on = {on} "
    "AND (m.lodged_at < {at} OR (m.lodged_at = {at} AND m.declaration_id < {number})) "
    "AND NOT m.declaration_id @among"
)
_COUNTS_HERE = "SELECT q.key, (SELECT COUNT(DISTINCT m.declaration_id) {earlier}) FROM json_each(%s) q".format(
    earlier=_EARLIER.format(
        kind="q.value ->> 0", values="IN (SELECT value FROM json_each(q.value -> 1))",
        on="q.value ->> 2", at="q.value ->> 3", number="q.value ->> 4",
    )
)  # fmt: skip
_COUNTS = (
    "SELECT q.place - 1, (SELECT COUNT(DISTINCT m.declaration_id) {earlier}) "
    "FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY q (value, place)"
).format(
    earlier=_EARLIER.format(
        kind="q.value ->> 0", values="= ANY (ARRAY(SELECT jsonb_array_elements_text(q.value -> 1)))",
        on="(q.value ->> 2)::date", at="(q.value ->> 3)::timestamptz", number="q.value ->> 4",
    )
)  # fmt: skip
"""Counts of all questions at once, on SQLite and on PostgreSQL; the statement is the same for any number of them.

The values are an array to PostgreSQL, so that it looks each up in the index. Joined with them as rows it read all the
day's marks of a kind for every question: 3 ms each after 3,500 declarations, and more with every one that came.
"""


def same_day_marks(asked: Iterable[SameDayAsked], kinds: Mapping[str, str]) -> list[MarkOf]:
    """Return the marks by which these declarations will be counted, without those of the goods themselves."""
    return [(one.fact, entity) for one in asked if kinds[one.fact] == one.fact for entity in one.entities]


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


@lru_cache(maxsize=1024)
def _instant(microseconds: int) -> str:
    """Return an instant as the records hold it: SQLite compares texts."""
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    return str(connection.ops.adapt_datetimefield_value(at))
