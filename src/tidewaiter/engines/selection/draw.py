"""The keyed draw: a number nobody can steer and any holder of the opened key can check.

u = HMAC-SHA256(key of the day, purpose + 0x00 + identity). The first 53 bits make a fraction of 1, so that the same
draw is the same float in every process and language.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tidewaiter.core.errors import NotKnownError

RANDOM = "random"
EXPLORATION = "exploration"
ASSIGNMENT = "assignment"
RE_EXAMINATION = "re-examination"
DELAY = "delay"
INSTRUCTION = "instruction"


def profile_purpose(code: str) -> str:
    """Return the purpose under which a profile's own percentage is drawn."""
    return f"profile:{code}"


class Drawn(Protocol):
    """Whatever gives the fractions of one identity."""

    @property
    def identity(self) -> str:
        """Return what is drawn for."""

    def fraction(self, purpose: str) -> float:
        """Return u for that purpose: at least 0, below 1."""


@dataclass(frozen=True, slots=True)
class Draw:
    """All draws of one identity under one key."""

    key: bytes = field(repr=False)
    identity: str

    def fraction(self, purpose: str) -> float:
        """Return u for that purpose: at least 0, below 1, a multiple of 2**-53."""
        message = purpose.encode() + b"\0" + self.identity.encode()
        digest = hmac.digest(self.key, message, "sha256")
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


@dataclass(frozen=True, slots=True)
class StrictestDraw:
    """The draws of goods that were drawn for under several identities: for what selects, the strictest of them.

    The lower a fraction, the stricter what it selects (bands are laid strictest first). All else is drawn by the first.
    """

    first: Drawn
    beside: Sequence[Drawn]

    @property
    def identity(self) -> str:
        """Return what the first is drawn for."""
        return self.first.identity

    def fraction(self, purpose: str) -> float:
        """Return the lowest u of all where the purpose selects, else that of the first."""
        own = self.first.fraction(purpose)
        return min([own, *(one.fraction(purpose) for one in self.beside)]) if selects(purpose) else own


def selects(purpose: str) -> bool:
    """Tell whether a purpose draws a channel; of others no outcome is stricter than another."""
    return purpose in (RANDOM, EXPLORATION) or purpose.startswith(profile_purpose(""))


@dataclass(frozen=True, slots=True)
class RecordedDraw:
    """The fractions a decision drew, by purpose: enough to replay it without the key."""

    identity: str
    fractions: Mapping[str, float]

    def fraction(self, purpose: str) -> float:
        """Return the fraction drawn then. Raises NotKnownError for a purpose that was not drawn."""
        if purpose not in self.fractions:
            raise NotKnownError(f"nothing was drawn for '{purpose}' when '{self.identity}' was decided")
        return self.fractions[purpose]


@dataclass(frozen=True, slots=True)
class Recording:
    """A draw that keeps what was drawn of it."""

    source: Drawn
    fractions: dict[str, float] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return what is drawn for."""
        return self.source.identity

    def fraction(self, purpose: str) -> float:
        """Return u for that purpose, and keep it."""
        found = self.fractions.get(purpose)
        if found is None:
            found = self.fractions[purpose] = self.source.fraction(purpose)
        return found


def chosen[T](fraction: float, options: Sequence[T]) -> T:
    """Return the option the fraction falls on, each as likely as any other. There is at least one."""
    return options[int(fraction * len(options))]


def identity(declaration_id: str, document: str | None, containers: Collection[str]) -> str:
    """Return what a declaration is drawn by: its transport document, else its containers, else its number.

    Lodging the same goods again under another number so gives the same draw.
    """
    if document:
        return document
    return ",".join(sorted(containers)) if containers else declaration_id


@dataclass(frozen=True, slots=True)
class Lodged:
    """What the draw needs of one declaration."""

    declaration_id: str
    document: str | None
    containers: frozenset[str]


def identities(lodged: Iterable[Lodged]) -> dict[str, str]:
    """Return the draw identity of each declaration, in the order of lodging.

    A declaration that shares a document or a container with an earlier one takes over the earlier one's identity.
    """
    seen: dict[str, str] = {}
    given: dict[str, str] = {}
    for one in lodged:
        marks = [f"document {one.document}"] if one.document else []
        marks += [f"container {number}" for number in sorted(one.containers)]
        inherited = next((seen[mark] for mark in marks if mark in seen), None)
        own = inherited or identity(one.declaration_id, one.document, one.containers)
        given[one.declaration_id] = own
        for mark in marks:
            seen.setdefault(mark, own)
    return given


def key_digest(key: bytes) -> str:
    """Return the digest of a key that is lodged with the inspectorate: SHA-256, as hexadecimal."""
    return hashlib.sha256(key).hexdigest()


def band[T](fraction: float, widths: Mapping[T, float]) -> T | None:
    """Return the name of the band the fraction falls into, bands laid one after another from 0; None past the last."""
    edge = 0.0
    for name, width in widths.items():
        edge = round(edge + width, 12)
        if fraction < edge:
            return name
    return None
