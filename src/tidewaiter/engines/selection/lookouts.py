"""Where lookouts are met: an index of many lookouts, asked of one declaration or consignment.

Codes and numbers are met exactly, once letter case and the marks between letters and digits are left out; names are met
possibly, where every word of the name (forms of company left out) stands in what was declared. Covert lookouts are kept
in an index of their own and asked by a function of their own, after the answer is given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tidewaiter.core.facts import normalised_words
from tidewaiter.core.lookout import Certainty, Lookout, LookoutKind, LookoutMatch

type Row = Mapping[str, Any]
"""One item of a declaration, as declared or as facts, or one consignment."""

ROLES = (
    "declarant", "importer", "exporter", "seller", "buyer", "carrier", "consignor", "consignee", "notify",
    "consolidator",
)  # fmt: skip
PARTY_CODES = (*(f"{role}_code" for role in ROLES), "consignment_carrier")
PARTY_NAMES = tuple(f"{role}_name" for role in ROLES)
DOCUMENTS = ("declaration_id", "previous_document", "consignment_id", "house_document", "master_document")
CONVEYANCES = ("conveyance", "voyage")
CONTAINERS = "containers"

LEGAL_FORMS = frozenset(
    (
        "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated", "kg", "limited", "llc",
        "llp", "ltd", "nv", "oy", "plc", "pte", "pty", "sa", "sarl", "sas", "spa", "srl",
    )
)  # fmt: skip
"""Words of a name that say only what form of company it is."""

_PARTY, _DOCUMENT, _CONVEYANCE, _CONTAINER = "party", "document", "conveyance", "container"
_GROUP = {
    LookoutKind.PARTY: _PARTY,
    LookoutKind.COMPANY: _PARTY,
    LookoutKind.CONVEYANCE: _CONVEYANCE,
    LookoutKind.CONTAINER: _CONTAINER,
    LookoutKind.CONSIGNMENT: _DOCUMENT,
}
_EXACT_FIELDS = {_PARTY: PARTY_CODES, _DOCUMENT: DOCUMENTS, _CONVEYANCE: CONVEYANCES}
_NAME_FIELDS = {_PARTY: PARTY_NAMES, _CONVEYANCE: ("conveyance",)}
_ASCII_WORDS = {number: chr(number).lower() if chr(number).isalnum() else " " for number in range(128)}
_ASCII_CODE = {number: chr(number).upper() if chr(number).isalnum() else None for number in range(128)}

type Values = Mapping[str, tuple[Lookout, ...]]
type Names = Mapping[str, tuple[tuple[frozenset[str], Lookout], ...]]


@dataclass(frozen=True, slots=True)
class _Index:
    """Lookouts by the normalised value they name, and by the rarest word of their names, for each kind of field."""

    values: tuple[tuple[tuple[str, ...], Values], ...]
    containers: Values
    names: tuple[tuple[tuple[str, ...], Names], ...]


@dataclass(frozen=True, slots=True)
class LookoutIndex:
    """The lookouts in force on a day. `open` is by reference and holds no covert one."""

    open: Mapping[str, Lookout] = field(default_factory=dict)
    _open: _Index = field(default=_Index((), {}, ()), repr=False)
    _covert: _Index = field(default=_Index((), {}, ()), repr=False)

    def match(self, rows: Sequence[Row], consignment: Row | None = None) -> tuple[LookoutMatch, ...]:
        """Return where open lookouts are met in the items of one declaration and its consignment.

        In the order of their references; the same value met in several items is one match.
        """
        return _matches(self._open, rows, consignment)

    def match_covert(self, rows: Sequence[Row], consignment: Row | None = None) -> tuple[LookoutMatch, ...]:
        """Return where covert lookouts are met: to be asked apart, after the answer, and kept out of the decision."""
        return _matches(self._covert, rows, consignment)


def lookout_index(lookouts: Iterable[Lookout], on: date) -> LookoutIndex:
    """Return the index of the lookouts in force on that day. References are unique."""
    in_force = [lookout for lookout in lookouts if lookout.in_force(on)]
    shown = [lookout for lookout in in_force if not lookout.covert]
    covert = [lookout for lookout in in_force if lookout.covert]
    return LookoutIndex({lookout.reference: lookout for lookout in shown}, _indexed(shown), _indexed(covert))


def code_of(text: str) -> str:
    """Return a code or number as it is compared: letters and digits only, in upper case."""
    if text.isascii():
        return text.translate(_ASCII_CODE)
    return "".join(normalised_words(text).split()).upper()


def words_of(text: str) -> list[str]:
    """Return the words of a name as they are compared (as core.facts.normalised_words)."""
    return (text.translate(_ASCII_WORDS) if text.isascii() else normalised_words(text)).split()


def _indexed(lookouts: Sequence[Lookout]) -> _Index:
    values: dict[str, dict[str, list[Lookout]]] = {group: {} for group in _GROUP.values()}
    for lookout in lookouts:
        for value in {code_of(value) for value in lookout.values} - {""}:
            values[_GROUP[lookout.kind]].setdefault(value, []).append(lookout)
    frozen = {group: {value: tuple(found) for value, found in by.items()} for group, by in values.items()}
    exact = tuple((fields, frozen[group]) for group, fields in _EXACT_FIELDS.items() if frozen[group])
    named = tuple((fields, by) for group, fields in _NAME_FIELDS.items() if (by := _by_word(lookouts, group)))
    return _Index(exact, frozen[_CONTAINER], named)


def _by_word(lookouts: Sequence[Lookout], group: str) -> Names:
    """Return the names of lookouts under the word of each that the fewest of them have."""
    named = [
        (words, lookout)
        for lookout in lookouts
        if _GROUP[lookout.kind] == group
        for name in lookout.names
        if (words := _telling(name))
    ]
    times = Counter(word for words, _ in named for word in words)
    found: dict[str, list[tuple[frozenset[str], Lookout]]] = {}
    for words, lookout in named:
        found.setdefault(min(words, key=lambda word: (times[word], word)), []).append((words, lookout))
    return {word: tuple(entries) for word, entries in found.items()}


def _telling(name: str) -> frozenset[str]:
    words = frozenset(words_of(name))
    return words - LEGAL_FORMS or words


type _Met = tuple[Lookout, Certainty, str, str]
"""A lookout, how surely, by which field, and the value as written."""


def _matches(index: _Index, rows: Sequence[Row], consignment: Row | None) -> tuple[LookoutMatch, ...]:
    met: list[_Met] = []
    first: Row = {}
    for row in rows:
        _meet(index, row, first, met)
        first = first or row
    found = [_match(one, rows) for one in _distinct(met)] if met else []
    if consignment is not None:
        filed: list[_Met] = []
        _meet(index, consignment, {}, filed)
        found += [_match(one, ()) for one in _distinct(filed)]
    return tuple(sorted(found, key=lambda one: (one.reference, one.certainty, one.field, one.value, one.items)))


def _meet(index: _Index, row: Row, before: Row, met: list[_Met]) -> None:
    """Add what the row meets by fields that do not hold the same as in the row before, which was asked already."""
    value_of, value_before = row.get, before.get
    for fields, by_value in index.values:
        for name in fields:
            value = value_of(name)
            if value and value != value_before(name):
                found = by_value.get(code_of(value), ())
                met.extend((lookout, Certainty.EXACT, name, value) for lookout in found)
    for fields, by_word in index.names:
        for name in fields:
            value = value_of(name)
            if value and value != value_before(name):
                _meet_names(by_word, name, value, met)
    if index.containers and (held := value_of(CONTAINERS)) and held != value_before(CONTAINERS):
        for number in _numbers(held):
            boxes = index.containers.get(code_of(number), ())
            met.extend((lookout, Certainty.EXACT, CONTAINERS, number) for lookout in boxes)


def _meet_names(by_word: Names, field_name: str, value: str, met: list[_Met]) -> None:
    words = words_of(value)
    for word in words:
        for telling, lookout in by_word.get(word, ()):
            if telling.issubset(words):
                met.append((lookout, Certainty.POSSIBLE, field_name, value))


def _numbers(held: object) -> list[str]:
    """Return container numbers: of a declaration as a list or as words, of a consignment as records."""
    if isinstance(held, str):
        return held.split()
    assert isinstance(held, Iterable)
    numbers = [one.get("number") if isinstance(one, Mapping) else one for one in held]
    return [str(number) for number in numbers if number]


def _distinct(met: Iterable[_Met]) -> Iterator[_Met]:
    seen = {
        (lookout.reference, certainty, name, value): (lookout, certainty, name, value)
        for lookout, certainty, name, value in met
    }
    yield from seen.values()


def _match(met: _Met, rows: Sequence[Row]) -> LookoutMatch:
    lookout, certainty, name, value = met
    return LookoutMatch(
        reference=lookout.reference,
        version=lookout.version,
        certainty=certainty,
        field=name,
        value=value,
        items=tuple(sorted(row["item_number"] for row in rows if _holds(row.get(name), name, value))),
    )


def _holds(held: object, name: str, value: str) -> bool:
    return value in _numbers(held) if name == CONTAINERS and held else held == value
