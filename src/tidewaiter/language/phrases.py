"""A condition in plain words for an officer."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import assert_never

from tidewaiter.core.condition import (
    Always,
    And,
    Between,
    Compare,
    CompareFact,
    Condition,
    Constant,
    Flag,
    HasWord,
    InList,
    IsMissing,
    Not,
    OneOf,
    Op,
    Or,
    Points,
    StartsWith,
    Use,
    facts_of,
    in_negation_normal_form,
)
from tidewaiter.core.facts import Fact, FactType

_SHOWN = 6
_OP_WORDS = {
    Op.EQ: "is",
    Op.NE: "is not",
    Op.LT: "is below",
    Op.LE: "is at most",
    Op.GT: "is above",
    Op.GE: "is at least",
}
_DAY_WORDS = {**_OP_WORDS, Op.LT: "is before", Op.LE: "is on or before", Op.GT: "is after", Op.GE: "is on or after"}


def words(condition: Condition) -> str:
    """Return the condition as one English clause, with units; NOT is said of single facts only."""
    return _said(in_negation_normal_form(condition))


def explained(condition: Condition) -> tuple[str, ...]:
    """Return a line for each fact the condition asks about: its name in words, and what it means with its unit."""
    facts = sorted(facts_of(condition), key=lambda fact: fact.name)
    return tuple(f"{_name(fact)}: {fact.meaning}{f' ({fact.unit})' if fact.unit else ''}" for fact in facts)


def _said(condition: Condition) -> str:
    match condition:
        case And(terms):
            return " and ".join(_part(term, Or) for term in terms)
        case Or(terms):
            return " or ".join(_part(term, And) for term in terms)
        case Points(k, terms) if condition.counted:
            return f"at least {k} of these: {_enumerated(_part(term, And, Or, Points) for term, _ in terms)}"
        case Points(k, terms):
            weighed = _enumerated(f"{_part(term, And, Or, Points)} ({weight})" for term, weight in terms)
            return f"at least {k} points from: {weighed}"
        case Use(name):
            return name.replace("_", " ")
        case Not(Use(name)):
            return f"not {name.replace('_', ' ')}"
        case Not(term):
            return _literal(term, negated=True)
        case _:
            return _literal(condition, negated=False)


def _part(term: Condition, *kinds: type) -> str:
    return f"({_said(term)})" if isinstance(term, (*kinds, Points)) else _said(term)


def _literal(condition: Condition, *, negated: bool) -> str:
    no = " not" if negated else ""
    match condition:
        case Compare(fact, op, value):
            return f"{_name(fact)} {_compared(fact, op)} {_value(fact, value)}"
        case Between(fact, low, high):
            return f"{_name(fact)} is{no} from {_value(fact, low)} to {_value(fact, high)}"
        case OneOf(fact, values):
            return f"{_name(fact)} is{no} {_either([_value(fact, value) for value in values])}"
        case StartsWith(fact, prefixes):
            return f"{_name(fact)} {'does not begin' if negated else 'begins'} with {_either(prefixes)}"
        case HasWord(fact, phrases):
            searched = _either([_phrase(phrase) for phrase in phrases])
            return f"{_name(fact)} {'does not contain' if negated else 'contains'} {searched}"
        case InList(fact, name):
            return f"{_name(fact)} is{no} on the list {name}"
        case IsMissing(fact):
            return f"{_name(fact)} is {'given' if negated else 'not given'}"
        case Flag(fact):
            return f"{'not ' if negated else ''}{_name(fact)}"
        case CompareFact(fact, op, factor, other):
            return f"{_name(fact)} {_compared(fact, op)} {_times(factor)}{_name(other)}"
        case Always(truth):
            return "always" if truth else "never"
        case And() | Or() | Not() | Points() | Use():
            return f"not ({_said(condition)})"
        case _:
            assert_never(condition)


def _compared(fact: Fact, op: Op) -> str:
    return (_DAY_WORDS if fact.type is FactType.DATE else _OP_WORDS)[op]


def _times(factor: Decimal) -> str:
    if factor == 1:
        return ""
    percent = factor * 100
    return f"{percent.normalize():f} % of " if 0 < factor < 10 else f"{factor:f} times "


def _name(fact: Fact) -> str:
    return fact.name.replace("_", " ")


def _value(fact: Fact, value: Constant) -> str:
    match value:
        case str():
            return value or "empty"
        case Decimal():
            number = f"{value:,f}" if -20 < value.adjusted() < 20 else f"{value:E}"
            return f"{number} {fact.unit}" if fact.unit else number
        case date():
            return value.isoformat()
        case _:
            assert_never(value)


def _phrase(phrase: str) -> str:
    return f"a word beginning '{phrase[:-1]}'" if phrase.endswith("*") else f"'{phrase}'"


def _either(values: Sequence[str]) -> str:
    if len(values) > _SHOWN:
        return f"{', '.join(values[: _SHOWN - 1])} or one of {len(values) - _SHOWN + 1} more"
    return " or ".join(part for part in (", ".join(values[:-1]), values[-1]) if part)


def _enumerated(parts: Iterable[str]) -> str:
    return "; ".join(parts)
