"""The grammar of conditions: a small parser by precedence that goes on after a mistake to find the next."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from tidewaiter.core.condition import Always, And, Condition, Flag, IsMissing, Not, OneOf, Op, Or, Use
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.language.functions import has_word, in_list, like, points, starts_with
from tidewaiter.language.literals import (
    Operand,
    Product,
    Refused,
    Value,
    between,
    comparison,
    constants,
    day_of,
    factor,
)
from tidewaiter.language.names import Names, is_name
from tidewaiter.language.syntax import Kind, Token

MAX_DEPTH = 50
MAX_NUMBER_LENGTH = 400
_OPS = {str(op): op for op in Op}
_AFTER_A_FACT = ("*", "in", "between", "like", "is", "not")
_COMPUTED = "a computed value is a fact, made once for every reading; see `tidewaiter facts`"
_NOTHING = Always(False)
"""Stands for a literal that was refused, while the rest is read."""


class TooDeep(Exception):  # noqa: N818
    """Parentheses or NOT are nested beyond the limit."""

    def __init__(self, offset: int) -> None:
        """Take the offset where the limit is passed."""
        super().__init__()
        self.offset, self.limit = offset, MAX_DEPTH


class Grammar:
    """Reads the tokens of one text. Problems are added to the list given."""

    def __init__(self, tokens: list[Token], names: Names, problems: list[Refused]) -> None:
        """Take the tokens (the last of kind END), the names that may be used, and where problems go."""
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.names = names
        self.problems = problems

    @property
    def next(self) -> Token:
        """Return the token to be read, without taking it."""
        return self._tokens[self._at]

    def _ended(self) -> bool:
        return self._at == len(self._tokens) - 1

    def take(self, *texts: str) -> Token | None:
        """Take the next token if it is one of these words or signs; None when it is not."""
        token = self.next
        if not token.is_(*texts):
            return None
        self._at += 1
        return token

    def expect(self, text: str, after: str) -> None:
        """Take that word or sign. Raises Refused when it is not there."""
        if not self.take(text):
            raise Refused(f"'{text.upper()}' is missing after {after}", self.next.start, f"found {self._found()}")

    def whole(self) -> Condition:
        """Read the whole text."""
        if self._ended():
            self.problems.append(Refused("the condition is empty", 0, "write for example: origin = 'XX'"))
            return _NOTHING
        condition = self.condition()
        while not self._ended():
            self.problems.append(self._unexpected())
            self._at = next(
                (at for at in range(self._at, len(self._tokens)) if is_name(self._tokens[at])), len(self._tokens) - 1
            )
            if is_name(self.next):
                self.condition()
        return condition

    def condition(self) -> Condition:
        """Read terms joined by OR."""
        return self._nested(self._either)

    def term(self) -> Condition:
        """Read one term, without AND or OR."""
        return self._nested(self._negation)

    def _nested(self, read: Callable[[], Condition]) -> Condition:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeep(self.next.start)
        try:
            return read()
        finally:
            self._depth -= 1

    def _either(self) -> Condition:
        terms = [self._both()]
        while self.take("or"):
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _both(self) -> Condition:
        terms = [self._negation()]
        while self.take("and"):
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _negation(self) -> Condition:
        if self.take("not"):
            return Not(self._nested(self._negation))
        start = self._at
        try:
            return self._literal() or _NOTHING
        except Refused as problem:
            self.problems.append(problem)
            self._skip(start)
            return _NOTHING

    def _skip(self, start: int) -> None:
        """Go on from a mistake in the term that began at `start` to where the next term begins."""
        begun = self._tokens[start : self._at]
        open_parentheses = sum(token.is_("(") for token in begun) - sum(token.is_(")") for token in begun)
        while not self._ended():
            if open_parentheses <= 0 and self.next.is_("and", "or", ")", ","):
                return
            open_parentheses += self.next.is_("(")
            open_parentheses -= self.next.is_(")")
            self._at += 1

    def _literal(self) -> Condition | None:
        token, after = self.next, self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if self.take("("):
            return self._parenthesised()
        if token.is_("true", "false") and not after.is_(*_OPS):
            self._at += 1
            return Always(token.text == "true")
        if token.kind is Kind.WORD and after.is_("("):
            return self._function()
        if is_name(token) and not after.is_(*_OPS, *_AFTER_A_FACT):
            return self._bare(token)
        left = self.operand()
        if isinstance(left, Product) and left.factor == 1 and not self.next.is_(*_OPS):
            return self._about_a_fact(left)
        return self._compared(left)

    def _parenthesised(self) -> Condition:
        inside = self.condition()
        self.expect(")", "the parenthesis")
        if self.next.is_(*_OPS, "*"):
            raise Refused("a comparison stands between a fact and a constant", self.next.start, _COMPUTED)
        return inside

    def _function(self) -> Condition | None:
        name = self.next
        readers = {"starts_with": starts_with, "has_word": has_word, "in_list": in_list}
        if name.text in ("at_least", "points"):
            self._at += 2
            return points(self, name)
        if name.text not in readers:
            raise self.names.unknown_function(name) if is_name(name) else self._unexpected()
        self._at += 2
        fact_token = self.next
        fact = self.fact()
        values: list[Value] = []
        while self.take(","):
            values.append(self.constant())
        self.expect(")", f"the values of {name.text}")
        if not values:
            raise Refused(f"{name.text} has no values", fact_token.start, f"write {name.text}(fact, '...')")
        return readers[name.text](self, fact, values, fact_token) if fact else None

    def _about_a_fact(self, left: Product) -> Condition | None:
        negated = bool(self.take("not"))
        if self.take("in"):
            return _maybe_not(self._in(left), negated)
        if self.take("between"):
            return _maybe_not(self._between(left), negated)
        if self.take("like"):
            return _maybe_not(self._like(left), negated)
        if not negated and self.take("is"):
            return self._is(left)
        raise self._unexpected()

    def _bare(self, token: Token) -> Condition | None:
        self._at += 1
        if token.written in self.names.catalogue:
            fact = self.names.catalogue[token.written]
            if fact.type is FactType.FLAG:
                return Flag(fact)
            if self.next.kind in (Kind.OTHER, Kind.SYMBOL) and not self.next.is_(")", ","):
                raise self._unexpected()
            advice = f"write for example {fact.name} IS NOT NULL"
            raise Refused(f"'{fact.name}' is compared with nothing", token.start, advice)
        if token.written in self.names.indicators:
            return Use(token.written)
        self.problems.append(self.names.unknown(token, value=False))
        return None

    def _compared(self, left: Operand) -> Condition | None:
        sign = self.take(*_OPS)
        if sign is None:
            raise self._unexpected()
        if self.next.is_("="):
            raise Refused("'==' is not a sign of the language", sign.start, "write =")
        right = self.operand()
        if self.next.is_("*", "+", "-") or self.next.kind is Kind.OTHER:
            raise self._unexpected()
        return comparison(left, _OPS[sign.text], right)

    def _in(self, left: Product) -> Condition | None:
        self.expect("(", "IN")
        values = [self.constant()]
        while self.take(","):
            values.append(self.constant())
        self.expect(")", "the values of IN")
        if left.fact is None:
            return None
        found, refused = constants(left.fact, values)
        self.problems.extend(refused)
        return None if refused else OneOf(left.fact, found)

    def _between(self, left: Product) -> Condition | None:
        low = self.constant()
        self.expect("and", "the lower end of BETWEEN")
        high = self.constant()
        return between(left.fact, low, high, left.offset) if left.fact else None

    def _like(self, left: Product) -> Condition | None:
        pattern = self.constant()
        return like(self, left.fact, pattern) if left.fact else None

    def _is(self, left: Product) -> Condition | None:
        negated = bool(self.take("not"))
        if not self.take("null"):
            advice = "write IS NULL or IS NOT NULL; a flag stands alone, or after NOT"
            raise Refused("IS asks about NULL only", self.next.start, advice)
        return _maybe_not(IsMissing(left.fact), negated) if left.fact else None

    def fact(self) -> Fact | None:
        """Read the name of a fact; None, with the problem noted, when there is no such fact."""
        token = self.next
        if not is_name(token):
            raise Refused("the name of a fact is missing", token.start, f"found {self._found()}")
        self._at += 1
        return self.names.fact(token, self.problems)

    def operand(self) -> Operand:
        """Read a constant, a fact, or a factor times a fact."""
        token = self.next
        if is_name(token):
            return self._product(token)
        value = self.constant()
        if isinstance(value.value, Decimal) and self.take("*"):
            return Product(self.fact(), factor(value.value, token.start), token.start)
        return value

    def _product(self, token: Token) -> Product:
        self._at += 1
        fact = self.names.fact(token, self.problems)
        if not self.take("*"):
            return Product(fact, Decimal(1), token.start)
        value = self.constant()
        if not isinstance(value.value, Decimal):
            raise Refused("a factor is a number", value.offset, _COMPUTED)
        return Product(fact, factor(value.value, value.offset), token.start)

    def constant(self) -> Value:
        """Read a text, number, day, TRUE, FALSE or NULL. Raises Refused."""
        token, sign = self.next, self.take("-", "+")
        number = self.next
        if number.kind is Kind.NUMBER:
            self._at += 1
            written = (token.written if sign and sign.text == "-" else "") + number.written
            return Value(_decimal(written, token.start), written, token.start)
        if sign:
            raise Refused(f"a number is missing after '{sign.text}'", number.start, f"found {self._found()}")
        if self.take("date"):
            return self._day(token)
        if token.kind is Kind.TEXT:
            self._at += 1
            return Value(token.text, token.written, token.start)
        if self.take("true", "false", "null"):
            return Value({"true": True, "false": False, "null": None}[token.text], token.written, token.start)
        if is_name(token):
            raise (
                self.names.unknown(token)
                if token.written not in self.names.catalogue
                else Refused(f"'{token.written}' is a fact; a constant is needed here", token.start)
            )
        raise self._unexpected()

    def _day(self, token: Token) -> Value:
        written = self.next
        if written.kind is not Kind.TEXT:
            raise Refused("a day is missing after DATE", written.start, "write DATE 'YYYY-MM-DD'")
        self._at += 1
        day = day_of(written.text)
        if day is None:
            raise Refused(f"'{written.text}' is no day of the calendar", written.start, "write DATE 'YYYY-MM-DD'")
        return Value(day, f"DATE {written.written}", token.start)

    def _unexpected(self) -> Refused:
        token = self.next
        if token.kind is Kind.OTHER and token.written.startswith('"'):
            advice = f"write text in single quotes: '{token.written.strip(chr(34))}'"
            return Refused("double quotes are not used", token.start, advice)
        if token.is_("*", "+", "-") or token.written in ("/", "%", "|"):
            return Refused(f"'{token.written}' is not computed inside a condition", token.start, _COMPUTED)
        if token.is_(")"):
            return Refused("')' closes nothing", token.start, "remove it, or open a parenthesis before")
        if token.kind is Kind.END:
            return Refused("the condition ends too early", token.start, "a term is missing")
        begins = is_name(token) or token.is_("not", "(", *RESERVED_STARTS)
        joined = "join terms with AND or OR" if begins else None
        return Refused(f"'{token.written}' was not expected here", token.start, joined)

    def _found(self) -> str:
        return "the end" if self._ended() else f"'{self.next.written}'"


RESERVED_STARTS = ("starts_with", "has_word", "in_list", "at_least", "points")


def _maybe_not(condition: Condition | None, negated: bool) -> Condition | None:
    return Not(condition) if negated and condition is not None else condition


def _decimal(written: str, offset: int) -> Decimal:
    try:
        value = Decimal(written)
    except InvalidOperation:  # an exponent of more than eighteen digits
        value = None
    if value is None or len(written) > MAX_NUMBER_LENGTH or abs(value.adjusted()) > MAX_NUMBER_LENGTH:
        raise Refused("the number is too long", offset, "round it")
    return value
