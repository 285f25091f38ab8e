"""The words and signs of the condition language, read with sqlglot's tokenizer; every token keeps its offsets."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType
from sqlglot.tokens import Tokenizer

MAX_LENGTH = 1_000_000
RESERVED = frozenset({
    "and", "or", "not", "in", "between", "is", "null", "like", "true", "false", "date",
    "starts_with", "has_word", "in_list", "at_least", "points",
})  # fmt: skip
"""Words that cannot name a fact or an indicator."""

_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_GAP = re.compile(r"(\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SYMBOLS = frozenset({"(", ")", ",", "=", "<>", "!=", "<", "<=", ">", ">=", "*", "-", "+"})


class _Tokenizer(Tokenizer):
    """sqlglot's tokenizer with our few signs: no templates, hints, dollar quotes or statement words."""

    QUOTES: ClassVar = ["'"]
    IDENTIFIERS: ClassVar = ['"']
    COMMENTS: ClassVar = ["--", ("/*", "*/")]
    KEYWORDS: ClassVar = {"<>": TokenType.NEQ, "!=": TokenType.NEQ, "<=": TokenType.LTE, ">=": TokenType.GTE}


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    TEXT = "text"
    SYMBOL = "symbol"
    OTHER = "other"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, text or sign; `text` is a word in lower case, a text without its quotes (NFC)."""

    kind: Kind
    text: str
    written: str
    start: int
    end: int

    def is_(self, *texts: str) -> bool:
        """Tell whether this is one of these words (lower case) or signs."""
        return self.kind in (Kind.WORD, Kind.SYMBOL) and self.text in texts


class UnreadableText(Exception):  # noqa: N818
    """The text cannot be cut into tokens: what is wrong, where, and what to do."""

    def __init__(self, message: str, offset: int, suggestion: str) -> None:
        """Take the sentence, the offset in the text, and the advice."""
        super().__init__(message)
        self.message, self.offset, self.suggestion = message, offset, suggestion


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of the text, closed by one of kind END. Raises UnreadableText."""
    _refuse_unreadable(text)
    try:
        raw = _Tokenizer().tokenize(text)
    except TokenError as error:
        message, offset, suggestion = _unclosed(text)
        raise UnreadableText(message, offset, suggestion) from error
    tokens: list[Token] = []
    end = 0
    for token in raw:
        _refuse_hidden(text, end, token.start)
        end = token.end + 1
        made = _token(token.token_type, token.text, text[token.start : token.end + 1], token.start, token.end + 1)
        if tokens and _joins(tokens[-1], made):
            made = _joined(tokens.pop(), made)
        tokens.append(made)
    _refuse_hidden(text, end, len(text))
    return [*tokens, Token(Kind.END, "", "the end", len(text), len(text))]


def _refuse_unreadable(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise UnreadableText(f"is longer than {MAX_LENGTH:,} characters", 0, "put long lists of values in a named list")
    for found in re.finditer("[\0\ud800-\udfff]", text):
        raise UnreadableText(f"character U+{ord(found[0]):04X} is not text", found.start(), "remove it")


def _refuse_hidden(text: str, start: int, end: int) -> None:
    """Refuse what the tokenizer leaves out between two tokens, unless it is white space or a comment of ours."""
    if not _GAP.fullmatch(text, start, end):
        offset = start + len(text[start:end]) - len(text[start:end].lstrip())
        raise UnreadableText("is neither part of the condition nor a comment", offset, "a comment is -- or /* */")


def _token(kind: TokenType, text: str, written: str, start: int, end: int) -> Token:
    if kind is TokenType.STRING and written.startswith("'"):
        return Token(Kind.TEXT, unicodedata.normalize("NFC", text), written, start, end)
    if kind is TokenType.NUMBER and _NUMBER.fullmatch(written):
        return Token(Kind.NUMBER, written, written, start, end)
    if written in _SYMBOLS:
        return Token(Kind.SYMBOL, "<>" if written == "!=" else written, written, start, end)
    if _WORD.fullmatch(written):
        return Token(Kind.WORD, written.lower(), written, start, end)
    return Token(Kind.OTHER, written, written, start, end)


def _joins(before: Token, after: Token) -> bool:
    """Tell whether two tokens that touch are one mistake (`5abc`) or one number (`.5`)."""
    touching = before.end == after.start and after.kind in (Kind.WORD, Kind.NUMBER, Kind.TEXT)
    return touching and (before.kind in (Kind.NUMBER, Kind.WORD, Kind.TEXT) or before.written == ".")


def _joined(before: Token, after: Token) -> Token:
    written = before.written + after.written
    kind = Kind.NUMBER if _NUMBER.fullmatch(written) else Kind.OTHER
    return Token(kind, written, written, before.start, after.end)


def _unclosed(text: str) -> tuple[str, int, str]:
    """Find the quote or comment that is opened and not closed."""
    pattern = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|(?P<open>['\"]|/\*)|.", re.DOTALL)
    for found in pattern.finditer(text):
        if found["open"]:
            return (
                f"{found['open']} is opened and not closed",
                found.start(),
                "close it; a quote in a text is written ''",
            )
    return "cannot be read", 0, "check quotes and comments"
