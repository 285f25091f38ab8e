"""The functions of the condition language, and LIKE."""

from typing import Protocol

from tidewaiter.core.condition import Condition, HasWord, InList, Points, StartsWith
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.core.profile import phrase
from tidewaiter.language.literals import Refused, Value
from tidewaiter.language.names import Names
from tidewaiter.language.syntax import Kind, Token

MAX_WEIGHT = 1_000_000


class Reader(Protocol):
    """What the functions need of the grammar."""

    names: Names
    problems: list[Refused]

    @property
    def next(self) -> Token:
        """The token to be read."""

    def take(self, *texts: str) -> Token | None:
        """Take the next token if it is one of these."""

    def expect(self, text: str, after: str) -> None:
        """Take that word or sign."""

    def condition(self) -> Condition:
        """Read terms joined by OR."""

    def term(self) -> Condition:
        """Read one term, without AND or OR."""

    def constant(self) -> Value:
        """Read a constant."""


def starts_with(reader: Reader, fact: Fact, values: list[Value], at: Token) -> Condition | None:
    """Return `starts_with(fact, 'a', 'b')`; None with the problems noted."""
    if fact.type is not FactType.TEXT:
        raise Refused(f"'{fact.name}' is not text", at.start, _instead_of_prefix(fact))
    texts = {_text(reader, value) for value in values}
    return StartsWith(fact, tuple(sorted(text for text in texts if text)))


def has_word(reader: Reader, fact: Fact, values: list[Value], at: Token) -> Condition | None:
    """Return `has_word(fact, 'phrase', ...)`; None with the problems noted."""
    if fact.type is not FactType.WORDS:
        known = ", ".join(reader.names.words_facts()[:4])
        advice = f"facts searched by words: {known}" if known else None
        raise Refused(f"'{fact.name}' is not searched by words", at.start, advice)
    phrases: set[str] = set()
    for value in values:
        text = _text(reader, value)
        found = searched_phrase(text) if text else ""
        if found is None:
            advice = "write letters or digits; a final * stands directly after them"
            reader.problems.append(Refused(f"'{text}' is no word to search", value.offset, advice))
        elif found:
            phrases.add(found)
    return HasWord(fact, tuple(sorted(phrases)))


def searched_phrase(text: str) -> str | None:
    """Return a phrase as the tree keeps it; None when no word is in it or a star stands where it cannot."""
    found = phrase(text)
    bare = text.rstrip()
    misplaced = "*" in bare[:-1] or (bare.endswith("*") and not bare[:-1][-1:].isalnum())
    return None if misplaced or not found.strip("* ") else found


def in_list(reader: Reader, fact: Fact, values: list[Value], at: Token) -> Condition | None:
    """Return `in_list(fact, 'name')`; None with the problems noted."""
    if fact.type not in (FactType.TEXT, FactType.WORDS):
        raise Refused(f"'{fact.name}' is no text, and lists hold text", at.start, f"write {fact.name} IN (...)")
    if len(values) != 1 or not isinstance(values[0].value, str):
        raise Refused("in_list takes the name of one list", values[-1].offset, "write in_list(fact, 'name')")
    problem = reader.names.list_problem(values[0].value, fact, values[0].offset)
    if problem is not None:
        reader.problems.append(problem)
    return InList(fact, values[0].value)


def like(reader: Reader, fact: Fact, pattern: Value) -> Condition:
    """Return what `LIKE 'abc%'` asks: a prefix. Raises Refused for any other pattern."""
    text = pattern.value
    if not isinstance(text, str):
        raise Refused("LIKE takes a text", pattern.offset, "write LIKE 'abc%'")
    quoted = text.replace("%", "").replace("'", "''")
    if fact.type is FactType.WORDS:
        raise Refused(f"'{fact.name}' is searched by words", pattern.offset, f"write has_word({fact.name}, '{quoted}')")
    if fact.type is not FactType.TEXT:
        raise Refused(f"'{fact.name}' is not text", pattern.offset, _instead_of_prefix(fact))
    if "%" not in text:
        raise Refused("LIKE without % is =", pattern.offset, f"write {fact.name} = '{quoted}'")
    if text.startswith("%"):
        words = next(iter(reader.names.words_facts()), "words_fact")
        advice = f"write has_word({words}, '{quoted}')" if quoted else f"write {fact.name} IS NOT NULL"
        raise Refused("LIKE finds prefixes only", pattern.offset, advice)
    if "%" in text[:-1] or "_" in text:
        raise Refused("LIKE takes one %, at the end, and no _", pattern.offset, f"write LIKE '{quoted}%'")
    return StartsWith(fact, (text[:-1],))


def points(reader: Reader, name: Token) -> Condition:
    """Return `at_least(n, a, b, ...)` or `points(a 3, b 2, ...) >= k`; the parenthesis is open already."""
    counted = name.text == "at_least"
    k_at, k = reader.next, _whole(reader, "how many must hold") if counted else 0
    terms: list[tuple[Condition, int]] = []
    while reader.take(",") if counted or terms else True:
        term = reader.condition() if counted else reader.term()
        terms.append((term, 1 if counted else _weight(reader)))
    reader.expect(")", f"the terms of {name.text}")
    if not counted:
        k_at, k = _threshold(reader)
    total = sum(weight for _, weight in terms)
    if k > total:
        reader.problems.append(Refused(f"{k} can never be reached: the total is {total}", k_at.start, "lower it"))
    return Points(k, tuple(terms))


def _weight(reader: Reader) -> int:
    if reader.next.kind is not Kind.NUMBER:
        advice = "write points(a 3, b 2, (origin = 'XX') 1) >= 4, AND and OR in parentheses"
        raise Refused("the points of the term are missing", reader.next.start, advice)
    return _whole(reader, "points")


def _threshold(reader: Reader) -> tuple[Token, int]:
    sign = reader.take("=", "<>", "<", "<=", ">", ">=")
    if sign is None:
        raise Refused("points are compared with nothing", reader.next.start, "write points(...) >= 4")
    at, k = reader.next, _whole(reader, "the points to reach")
    if sign.text != ">=":
        instead = {
            ">": f"write >= {k + 1}",
            "<": f"write NOT points(...) >= {k}",
            "<=": f"write NOT points(...) >= {k + 1}",
        }
        raise Refused(
            f"points are compared with >= only, not {sign.text}", sign.start, instead.get(sign.text, "write >=")
        )
    return at, k


def _whole(reader: Reader, what: str) -> int:
    at = reader.next
    value = reader.constant()
    if not value.written.isdigit() or not 1 <= int(value.written) <= MAX_WEIGHT:
        advice = f"found '{value.written}'"
        reader.problems.append(Refused(f"{what}: a whole number from 1 is needed", at.start, advice))
        return 1
    return int(value.written)


def _text(reader: Reader, value: Value) -> str | None:
    """Return the text of a value; None, with the problem noted, when it is empty or no text."""
    if isinstance(value.value, str) and value.value:
        return value.value
    if value.value == "":
        advice = "every text begins with nothing; write IS NOT NULL"
        reader.problems.append(Refused("an empty text is no prefix and no word", value.offset, advice))
    else:
        advice = f"write '{value.written}' in single quotes"
        reader.problems.append(Refused("a text is needed", value.offset, advice))
    return None


def _instead_of_prefix(fact: Fact) -> str:
    if fact.type is FactType.WORDS:
        return f"write has_word({fact.name}, '...')"
    return f"write {fact.name}" if fact.type is FactType.FLAG else f"write {fact.name} BETWEEN ... AND ..."
