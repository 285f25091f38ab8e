"""Same-day counts from the records: how many declarations of an importer, a document or a container came earlier.

Every declaration leaves a mark for each entity that a same-day fact of the catalogue counts; a question is a count
over the index of marks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from tidewaiter.actions.goods import CONTAINER, DOCUMENT
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.facts.recipes import Recipe, SameDay
from tidewaiter.storage.records.models import Mark

_AT_ONCE = 200
"""Counts in one statement; SQLite takes at most 500 parts."""

_EPOCH = date(1970, 1, 1)
_GOODS: dict[tuple[str, ...], str] = {("previous_document",): DOCUMENT, ("containers",): CONTAINER}
"""Entities that are the goods' own marks."""


def mark_kinds(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Return for each same-day fact the kind of mark it is counted by."""
    return {name: _GOODS.get(recipe.of, name) for name, recipe in recipes.items() if isinstance(recipe, SameDay)}


def earlier_in_records(asked: Sequence[SameDayAsked], kinds: Mapping[str, str]) -> dict[SameDayAsked, int]:
    """Return how many declarations in the records came earlier the same day, for each question."""
    found: dict[SameDayAsked, int] = {}
    for start in range(0, len(asked), _AT_ONCE):
        found |= _counted(asked[start : start + _AT_ONCE], kinds)
    return found


def same_day_marks(
    asked: Iterable[SameDayAsked], kinds: Mapping[str, str], lodged: Mapping[str, tuple[date, datetime]]
) -> list[Mark]:
    """Return the marks by which these declarations will be counted, without those of the goods themselves.

    `lodged` gives the day and moment of lodging of each declaration.
    """
    return [
        Mark(kind=kinds[one.fact], value=entity, declaration_id=one.declaration_id, lodged_on=on, lodged_at=at)
        for one in asked
        if kinds[one.fact] == one.fact
        for entity in one.entities
        for on, at in [lodged[one.declaration_id]]
    ]


def _counted(asked: Sequence[SameDayAsked], kinds: Mapping[str, str]) -> dict[SameDayAsked, int]:
    parts: list[str] = []
    marks: list[str | datetime | date | None] = []
    adapt = connection.ops
    for number, one in enumerate(asked):
        values = ", ".join(["%s"] * len(one.entities))
        parts.append(
            f"SELECT {number}, COUNT(DISTINCT declaration_id) FROM records_mark WHERE kind = %s "
            f"AND value IN ({values}) AND lodged_on = %s "
            "AND (lodged_at < %s OR (lodged_at = %s AND declaration_id < %s)) "
            "AND declaration_id <> %s"
        )
        at = adapt.adapt_datetimefield_value(_moment(one.lodged_at))
        on = adapt.adapt_datefield_value(_EPOCH + timedelta(days=one.lodged_on))
        marks += [kinds[one.fact], *one.entities, on, at, at, one.declaration_id, one.declaration_id]
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), marks)
        return {asked[number]: int(count) for number, count in cursor.fetchall()}


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
