"""An expression's tree as a function of the columns of a batch, with SQL's three-valued logic."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, islice
from math import fmod, isfinite
from typing import Any, assert_never

from tidewaiter.core.facts import Fact, FactType, days_since_epoch
from tidewaiter.storage.lake.facts.live_functions import MOST, Settings, function_named
from tidewaiter.storage.lake.facts.live_shapes import (
    DATE,
    FLAG,
    INTEGER,
    NOTHING,
    RATIO,
    TEXT,
    Ask,
    Batch,
    Column,
    Kind,
    Made,
    Shape,
    as_double,
    rescaled,
    together,
)
from tidewaiter.storage.lake.facts.live_syntax import (
    Call,
    Case,
    Cast,
    Comprehension,
    Every,
    Literal,
    Member,
    Minus,
    Missing,
    Name,
    Negation,
    Node,
    NotUnderstoodError,
    Operation,
)

type Scope = Mapping[str, Shape]

_COMPARED = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
             ">=": operator.ge}  # fmt: skip
_MOST_WHOLE = 1 << 63
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


@dataclass(slots=True)
class Declarations(Batch):
    """A batch with one row a declaration: the items' batch, and the places of each declaration's items in it."""

    items: Batch
    places: Sequence[Sequence[int]]


def reading(node: Node, scope: Scope, settings: Settings) -> Made:
    """Return the function that gives an expression's column for a batch that has the columns of the scope.

    The columns of calls are kept in the batch, so that what several expressions share is worked out once. Raises
    NotUnderstoodError for what is not translated.
    """

    def read(part: Node) -> Made:
        return reading(part, scope, settings)

    match node:
        case Literal():
            return _literal(node)
        case Name(name):
            return _name(name, scope)
        case Member(of, field):
            return _member(read(of), field)
        case Call(function, arguments, distinct):
            if distinct:
                raise NotUnderstoodError("an aggregate stands where a row is read")
            made = function_named(function)([read(argument) for argument in arguments], settings)
            return Made(made.shape, _kept(made.ask, settings.number_of(node)))
        case Negation(of):
            ask = read(of).ask
            return Made(FLAG, lambda batch: [None if value is None else not value for value in ask(batch)])
        case Minus(of):
            return _arithmetic("-", Made(INTEGER, lambda batch: [0] * batch.size), read(of))
        case Missing(of):
            asked = read(of).ask
            return Made(FLAG, lambda batch: [value is None for value in asked(batch)])
        case Operation(mark, left, right):
            return _operation(mark, read(left), read(right))
        case Case(turns, otherwise):
            return _case([(read(condition), read(value)) for condition, value in turns],
                         read(otherwise) if otherwise is not None else _NOTHING)  # fmt: skip
        case Cast(of, kind, attempt):
            return _cast(read(of), kind, settings, attempt=attempt)
        case Comprehension():
            return _comprehension(node, scope, settings)
        case Every():
            raise NotUnderstoodError("a star stands where a row is read")
    assert_never(node)


def of_declaration(node: Node, scope: Scope, settings: Settings) -> Made:
    """Return the function that gives an expression of aggregates for a batch of Declarations."""

    def read(part: Node) -> Made:
        return of_declaration(part, scope, settings)

    match node:
        case Call("count" | "sum" as function, (argument,), distinct):
            return _aggregate(function, argument, scope, settings, distinct=distinct)
        case Operation(mark, left, right):
            return _operation(mark, read(left), read(right))
        case Case(turns, otherwise):
            return _case([(read(condition), read(value)) for condition, value in turns],
                         read(otherwise) if otherwise is not None else _NOTHING)  # fmt: skip
        case Literal():
            return _literal(node)
    raise NotUnderstoodError("an aggregate is not understood")


def typed(made: Made, fact: Fact) -> Made:
    """Return the values as the fact's type holds them; missing where they do not fit."""
    ask, scale = made.ask, made.shape.scale
    match fact.type, made.shape.kind:
        case (_, Kind.NOTHING) | (FactType.TEXT | FactType.WORDS, Kind.TEXT) | (FactType.DATE, Kind.DATE):
            return made
        case FactType.FLAG, Kind.FLAG:
            return made
        case FactType.RATIO, Kind.RATIO | Kind.INTEGER | Kind.DECIMAL:
            double = as_double(made)
            return Made(RATIO, lambda batch: [
                value if value is not None and isfinite(value) else None for value in double(batch)])  # fmt: skip
        case FactType.INTEGER, Kind.INTEGER | Kind.DECIMAL:
            return Made(INTEGER, _fitting(ask, scale, 0, _MOST_WHOLE))
        case FactType.DECIMAL, Kind.INTEGER | Kind.DECIMAL:
            return Made(Shape(Kind.DECIMAL, fact.scale), _fitting(ask, scale, fact.scale, MOST))
    raise NotUnderstoodError(f"fact '{fact.name}': a {made.shape.kind} is no {fact.type}")


def _kept(ask: Ask, number: int) -> Ask:
    key = f"#{number}"

    def once(batch: Batch) -> Column:
        column = batch.columns.get(key)
        if column is None:
            column = batch.columns[key] = ask(batch)
        return column

    return once


def _fitting(ask: Ask, scale: int, wanted: int, most: int) -> Ask:
    if scale == wanted:
        return lambda batch: [value if value is None or -most < value < most else None for value in ask(batch)]

    def fitted(value: int) -> int | None:
        brought = rescaled(value, scale, wanted)
        return brought if -most < brought < most else None

    return lambda batch: [None if value is None else fitted(value) for value in ask(batch)]


_NOTHING = Made(NOTHING, lambda batch: [None] * batch.size)


def _literal(node: Literal) -> Made:
    value: str | bool | float | None = node.value
    shape = NOTHING if value is None else FLAG if isinstance(value, bool) else TEXT
    if node.number:
        whole, _, rest = str(value).partition(".")
        if "e" in str(value).lower():
            shape, value = RATIO, float(str(value))
        else:
            shape, value = Shape(Kind.DECIMAL, len(rest)) if rest else INTEGER, int(whole + rest)
    return Made(shape, lambda batch: [value] * batch.size)


def _name(name: str, scope: Scope) -> Made:
    if name not in scope:
        raise NotUnderstoodError(f"{name} is no column")
    return Made(scope[name], lambda batch: batch.columns[name])


def _member(made: Made, field: str) -> Made:
    if field not in made.shape.fields:
        raise NotUnderstoodError(f"{field} is no part of a record")
    ask = made.ask
    return Made(
        made.shape.fields[field],
        lambda batch: [None if record is None else record[field] for record in ask(batch)],
    )


def _operation(mark: str, left: Made, right: Made) -> Made:
    if mark in _COMPARED:
        return _comparison(_COMPARED[mark], left, right)
    match mark:
        case "AND" | "OR":
            return _logic(mark == "OR", left.ask, right.ask)
        case "is" | "is not":
            _, (a, b) = together((left, right))
            same = mark == "is"
            return Made(FLAG, lambda batch: [(x == y) is same for x, y in zip(a(batch), b(batch), strict=True)])
        case "||":
            return Made(TEXT, _strict(operator.add, left.ask, right.ask))
    return _arithmetic(mark, left, right)


def _strict(function: Callable[[Any, Any], Any], left: Ask, right: Ask) -> Ask:
    return lambda batch: [
        None if a is None or b is None else function(a, b) for a, b in zip(left(batch), right(batch), strict=True)
    ]


def _comparison(compare: Callable[[Any, Any], bool], left: Made, right: Made) -> Made:
    shape, (a, b) = together((left, right))
    if shape.kind in (Kind.LIST, Kind.RECORD) and compare not in (operator.eq, operator.ne):
        raise NotUnderstoodError("lists have no order")
    return Made(FLAG, _strict(compare, a, b))


def _logic(settles: bool, left: Ask, right: Ask) -> Made:
    """Return OR (settled by true) or AND (settled by false)."""
    otherwise = not settles
    return Made(FLAG, lambda batch: [
        settles if a is settles or b is settles else None if a is None or b is None else otherwise
        for a, b in zip(left(batch), right(batch), strict=True)
    ])  # fmt: skip


def _arithmetic(mark: str, left: Made, right: Made) -> Made:
    kinds = (left.shape.kind, right.shape.kind)
    if mark == "-" and kinds == (Kind.DATE, Kind.DATE):
        return Made(INTEGER, _strict(operator.sub, left.ask, right.ask))
    if mark in "+-" and kinds == (Kind.DATE, Kind.INTEGER):
        return Made(DATE, _strict(operator.add if mark == "+" else operator.sub, left.ask, right.ask))
    if mark == "/":
        return Made(RATIO, _strict(_divided, as_double(left), as_double(right)))
    shape, (a, b) = together((left, right))
    if not (shape.exact or shape.kind is Kind.RATIO):
        raise NotUnderstoodError(f"{mark} is not understood between {kinds[0]} and {kinds[1]}")
    match mark:
        case "+" | "-":
            return Made(shape, _strict(operator.add if mark == "+" else operator.sub, a, b))
        case "*" if shape.exact:
            scale = left.shape.scale + right.shape.scale
            product = _strict(operator.mul, left.ask, right.ask)
            return Made(Shape(Kind.DECIMAL, scale) if Kind.DECIMAL in kinds else INTEGER, product)
        case "*":
            return Made(shape, _strict(operator.mul, a, b))
        case "%":
            return Made(shape, _strict(_left_over if shape.exact else _left_over_double, a, b))
    raise NotUnderstoodError(f"{mark} is not understood")


def _divided(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _left_over(value: int, by: int) -> int | None:
    if not by:
        return None
    left = abs(value) % abs(by)
    return left if value >= 0 else -left


def _left_over_double(value: float, by: float) -> float | None:
    return fmod(value, by) if by else None


def _case(turns: list[tuple[Made, Made]], rest: Made) -> Made:
    shape, values = together([value for _, value in turns] + [rest])
    pairs = [(condition.ask, value) for (condition, _), value in zip(turns, values, strict=False)]
    otherwise = values[-1]

    def ask(batch: Batch) -> Column:
        column = otherwise(batch)
        for condition, value in reversed(pairs):
            chosen = zip(condition(batch), value(batch), column, strict=True)
            column = [then if holds else other for holds, then, other in chosen]
        return column

    return Made(shape, ask)


def _cast(made: Made, kind: str, settings: Settings, *, attempt: bool) -> Made:
    ask, had = made.ask, made.shape
    if kind == "DATE" and had.kind is Kind.CLOCK:
        return Made(DATE, lambda batch: [None if at is None else days_since_epoch(at) for at in ask(batch)])
    if kind == "DOUBLE":
        return Made(RATIO, as_double(made))
    if kind in ("BIGINT", "INTEGER") and had.kind is Kind.INTEGER:
        return Made(INTEGER, _fitting(ask, 0, 0, _MOST_WHOLE))
    if kind == "BIGINT" and had.kind is Kind.TEXT and attempt:
        whole = settings.whole
        return Made(INTEGER, lambda batch: [None if text is None else whole(text) for text in ask(batch)])
    if (found := _DECIMAL.fullmatch(kind)) and had.exact and attempt:
        wanted = int(found[2])
        return Made(Shape(Kind.DECIMAL, wanted), _fitting(ask, had.scale, wanted, 10 ** int(found[1])))
    raise NotUnderstoodError(f"a {had.kind} is not cast to {kind}")


def _comprehension(node: Comprehension, scope: Scope, settings: Settings) -> Made:
    """Return the lists made of lists: all elements are one batch, cut again where a row's list ended."""
    source = reading(node.source, scope, settings)
    if source.shape.of is None:
        raise NotUnderstoodError("a list is expected after IN")
    inner = {node.variable: source.shape.of}
    made = reading(node.made, inner, settings)
    kept = reading(node.kept, inner, settings).ask if node.kept is not None else None
    variable, lists, each = node.variable, source.ask, made.ask

    def ask(batch: Batch) -> Column:
        listed = lists(batch)
        if not any(listed):
            return [None if values is None else [] for values in listed]
        elements = list(chain.from_iterable(values for values in listed if values))
        inside = Batch({variable: elements}, len(elements))
        found = iter(each(inside))
        keeps = iter(kept(inside)) if kept else None
        return [None if values is None else _next(found, keeps, len(values)) for values in listed]

    return Made(Shape(Kind.LIST, of=made.shape), ask)


def _next(found: Any, keeps: Any, length: int) -> list[Any]:
    if keeps is None:
        return list(islice(found, length))
    return list(compress(islice(found, length), islice(keeps, length)))


def _aggregate(function: str, argument: Node, scope: Scope, settings: Settings, *, distinct: bool) -> Made:
    if isinstance(argument, Every):
        return Made(INTEGER, _over_items(lambda batch: [True] * batch.size, len))
    made = reading(argument, scope, settings)
    if function == "count":
        return Made(INTEGER, _over_items(made.ask, (lambda values: len(set(values))) if distinct else len))
    if not made.shape.exact or distinct:
        raise NotUnderstoodError("only exact numbers are summed")
    return Made(made.shape, _over_items(made.ask, lambda values: sum(values) if values else None))


def _over_items(ask: Ask, function: Callable[[list[Any]], Any]) -> Ask:
    def over(batch: Batch) -> Column:
        assert isinstance(batch, Declarations)
        column = ask(batch.items)
        return [
            function([value for place in places if (value := column[place]) is not None]) for places in batch.places
        ]

    return over
