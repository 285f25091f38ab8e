"""An expression's tree as a function of one row, or of all rows of a declaration, with SQL's three-valued logic."""

import operator
import re
from collections.abc import Callable, Mapping
from math import fmod, isfinite
from typing import Any, assert_never

from tidewaiter.core.facts import Fact, FactType
from tidewaiter.storage.lake.facts.live_functions import MOST, Settings, function_named
from tidewaiter.storage.lake.facts.live_shapes import (
    DATE,
    FLAG,
    INTEGER,
    NOTHING,
    RATIO,
    TEXT,
    Ask,
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


def reading(node: Node, scope: Scope, settings: Settings) -> Made:
    """Return the function that gives an expression's value for a row, a mapping of the scope's names to values.

    Raises NotUnderstoodError for what is not translated.
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
            return function_named(function)([read(argument) for argument in arguments], settings)
        case Negation(of):
            return _negation(read(of))
        case Minus(of):
            return _arithmetic("-", Made(INTEGER, lambda _: 0), read(of))
        case Missing(of):
            asked = read(of).ask
            return Made(FLAG, lambda row: asked(row) is None)
        case Operation(mark, left, right):
            return _operation(mark, read(left), read(right))
        case Case(turns, otherwise):
            rest = read(otherwise) if otherwise is not None else _NOTHING
            return _case([(read(condition), read(value)) for condition, value in turns], rest)
        case Cast(of, kind, attempt):
            return _cast(read(of), kind, settings, attempt=attempt)
        case Comprehension():
            return _comprehension(node, scope, settings)
        case Every():
            raise NotUnderstoodError("a star stands where a row is read")
    assert_never(node)


def of_declaration(node: Node, scope: Scope, settings: Settings) -> Made:
    """Return the function that gives an expression of aggregates for the list of a declaration's rows."""

    def read(part: Node) -> Made:
        return of_declaration(part, scope, settings)

    match node:
        case Call("count" | "sum" as function, (argument,), distinct):
            return _aggregate(function, argument, scope, settings, distinct=distinct)
        case Operation(mark, left, right):
            return _operation(mark, read(left), read(right))
        case Case(turns, otherwise):
            rest = read(otherwise) if otherwise is not None else _NOTHING
            return _case([(read(condition), read(value)) for condition, value in turns], rest)
        case Literal():
            return _literal(node)
    raise NotUnderstoodError("an aggregate is not understood")


def typed(made: Made, fact: Fact) -> Made:
    """Return the value as the fact's type holds it; missing where it does not fit."""
    ask, scale = made.ask, made.shape.scale
    match fact.type, made.shape.kind:
        case (_, Kind.NOTHING) | (FactType.TEXT | FactType.WORDS, Kind.TEXT) | (FactType.DATE, Kind.DATE):
            return made
        case FactType.FLAG, Kind.FLAG:
            return made
        case FactType.RATIO, Kind.RATIO | Kind.INTEGER | Kind.DECIMAL:
            double = as_double(made)
            return Made(RATIO, lambda row: value if (value := double(row)) is not None and isfinite(value) else None)
        case FactType.INTEGER, Kind.INTEGER | Kind.DECIMAL:
            return Made(INTEGER, _fitting(ask, scale, 0, _MOST_WHOLE))
        case FactType.DECIMAL, Kind.INTEGER | Kind.DECIMAL:
            return Made(Shape(Kind.DECIMAL, fact.scale), _fitting(ask, scale, fact.scale, MOST))
    raise NotUnderstoodError(f"fact '{fact.name}': a {made.shape.kind} is no {fact.type}")


def _fitting(ask: Ask, scale: int, wanted: int, most: int) -> Ask:
    def fitted(row: Any) -> int | None:
        value = ask(row)
        if value is None:
            return None
        if scale != wanted:
            value = rescaled(value, scale, wanted)
        return value if -most < value < most else None

    return fitted


_NOTHING = Made(NOTHING, lambda _: None)


def _literal(node: Literal) -> Made:
    value = node.value
    if value is None:
        return _NOTHING
    if not node.number or isinstance(value, bool):
        return Made(FLAG if isinstance(value, bool) else TEXT, lambda _: value)
    if "e" in value.lower():
        double = float(value)
        return Made(RATIO, lambda _: double)
    whole, _, rest = value.partition(".")
    number = int(whole + rest)
    return Made(Shape(Kind.DECIMAL, len(rest)) if rest else INTEGER, lambda _: number)


def _name(name: str, scope: Scope) -> Made:
    if name not in scope:
        raise NotUnderstoodError(f"{name} is no column")
    return Made(scope[name], operator.itemgetter(name))


def _member(made: Made, field: str) -> Made:
    if field not in made.shape.fields:
        raise NotUnderstoodError(f"{field} is no part of a record")
    ask = made.ask
    return Made(made.shape.fields[field], lambda row: None if (record := ask(row)) is None else record[field])


def _negation(made: Made) -> Made:
    ask = made.ask
    return Made(FLAG, lambda row: None if (value := ask(row)) is None else not value)


def _operation(mark: str, left: Made, right: Made) -> Made:
    if mark in _COMPARED:
        return _comparison(_COMPARED[mark], left, right)
    match mark:
        case "AND" | "OR":
            return _logic(mark == "OR", left.ask, right.ask)
        case "is" | "is not":
            _, (a, b) = together((left, right))
            same = mark == "is"
            return Made(FLAG, lambda row: (a(row) == b(row)) is same)
        case "||":
            first, second = left.ask, right.ask
            return Made(TEXT, _strict(lambda a, b: a + b, first, second))
    return _arithmetic(mark, left, right)


def _strict(function: Callable[[Any, Any], Any], left: Ask, right: Ask) -> Ask:
    def ask(row: Any) -> Any:
        a = left(row)
        if a is None:
            return None
        b = right(row)
        return None if b is None else function(a, b)

    return ask


def _comparison(compare: Callable[[Any, Any], bool], left: Made, right: Made) -> Made:
    shape, (a, b) = together((left, right))
    if shape.kind in (Kind.LIST, Kind.RECORD) and compare not in (operator.eq, operator.ne):
        raise NotUnderstoodError("lists have no order")
    return Made(FLAG, _strict(compare, a, b))


def _logic(settles: bool, left: Ask, right: Ask) -> Made:
    """Return OR (settled by true) or AND (settled by false)."""

    def ask(row: Any) -> Any:
        a = left(row)
        if a is settles:
            return settles
        b = right(row)
        if b is settles:
            return settles
        return None if a is None or b is None else not settles

    return Made(FLAG, ask)


def _arithmetic(mark: str, left: Made, right: Made) -> Made:
    kinds = (left.shape.kind, right.shape.kind)
    if mark == "-" and kinds == (Kind.DATE, Kind.DATE):
        return Made(INTEGER, _strict(operator.sub, left.ask, right.ask))
    if kinds == (Kind.DATE, Kind.INTEGER) and mark in "+-":
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
    if len(pairs) == 1:
        ((holds, then),) = pairs
        return Made(shape, lambda row: then(row) if holds(row) else otherwise(row))

    def ask(row: Any) -> Any:
        for condition, value in pairs:
            if condition(row):
                return value(row)
        return otherwise(row)

    return Made(shape, ask)


def _cast(made: Made, kind: str, settings: Settings, *, attempt: bool) -> Made:
    ask, had = made.ask, made.shape
    if kind == "DATE" and had.kind is Kind.CLOCK:
        return Made(DATE, lambda row: None if (clock := ask(row)) is None else clock.toordinal() - _EPOCH)
    if kind == "DOUBLE":
        return Made(RATIO, as_double(made))
    if kind in ("BIGINT", "INTEGER") and had.kind is Kind.INTEGER:
        return Made(INTEGER, _fitting(ask, 0, 0, _MOST_WHOLE))
    if kind == "BIGINT" and had.kind is Kind.TEXT and attempt:
        whole = settings.whole
        return Made(INTEGER, lambda row: None if (text := ask(row)) is None else whole(text))
    if (found := _DECIMAL.fullmatch(kind)) and had.exact and attempt:
        wanted = int(found[2])
        return Made(Shape(Kind.DECIMAL, wanted), _fitting(ask, had.scale, wanted, 10 ** int(found[1])))
    raise NotUnderstoodError(f"a {had.kind} is not cast to {kind}")


_EPOCH = 719_163


def _comprehension(node: Comprehension, scope: Scope, settings: Settings) -> Made:
    source = reading(node.source, scope, settings)
    if source.shape.of is None:
        raise NotUnderstoodError("a list is expected after IN")
    if node.variable in scope:
        raise NotUnderstoodError(f"{node.variable} names a column too")
    inner = {**scope, node.variable: source.shape.of}
    made = reading(node.made, inner, settings)
    kept = reading(node.kept, inner, settings).ask if node.kept is not None else _always
    variable, listed, each = node.variable, source.ask, made.ask

    def ask(row: dict[str, Any]) -> list[Any] | None:
        values = listed(row)
        if values is None:
            return None
        found = []
        for value in values:
            row[variable] = value
            if kept(row):
                found.append(each(row))
        return found

    return Made(Shape(Kind.LIST, of=made.shape), ask)


def _always(_: Any) -> bool:
    return True


def _aggregate(function: str, argument: Node, scope: Scope, settings: Settings, *, distinct: bool) -> Made:
    if isinstance(argument, Every):
        return Made(INTEGER, len)
    made = reading(argument, scope, settings)
    ask = made.ask
    if function == "count":
        if distinct:
            return Made(INTEGER, lambda rows: len({ask(row) for row in rows} - {None}))
        return Made(INTEGER, lambda rows: sum(ask(row) is not None for row in rows))
    if not made.shape.exact or distinct:
        raise NotUnderstoodError("only exact numbers are summed")

    def total(rows: list[Any]) -> int | None:
        values = [value for row in rows if (value := ask(row)) is not None]
        return sum(values) if values else None

    return Made(made.shape, total)
