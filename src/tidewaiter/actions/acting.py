"""What every action shares: the right is checked, the change and its trace are one transaction.

    @action("profile.approve")
    def approve_profile(*, code: str, number: int, by: Actor, at: datetime) -> ProfileVersion: ...

The function says what it did with `record`; an action that leaves no trace is refused when it ends. A refusal, for want
of a right or because a second person is needed, is itself recorded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Final

from django.db import transaction

from tidewaiter.actions.rights import rights
from tidewaiter.core.errors import NotAllowedError
from tidewaiter.storage.records.audit import Entry, append
from tidewaiter.storage.records.models import AuditEvent, ClientSystem, Officer


@dataclass(frozen=True, slots=True)
class System:
    """The service itself, acting on its schedule or on what arrived."""

    name: str = "service"

    @property
    def reference(self) -> str:
        """Return how the audit chain names it."""
        return f"system:{self.name}"


@dataclass(frozen=True, slots=True)
class Caller:
    """A client system, or an officer through a token: no more than the token's scopes and the own rights allow."""

    who: ClientSystem | Officer
    scopes: frozenset[str]

    @property
    def reference(self) -> str:
        """Return how the audit chain names the one behind the token."""
        return self.who.reference


type Actor = Officer | ClientSystem | Caller | System

SERVICE: Final = System()


@dataclass(slots=True)
class _Acting:
    """One action under way: what it has recorded so far."""

    name: str
    by: Actor
    at: datetime
    entries: list[Entry] = field(default_factory=list)
    written: list[AuditEvent] = field(default_factory=list)


_current: ContextVar[_Acting] = ContextVar("acting")


def may(name: str, by: Actor) -> bool:
    """Tell whether the actor may use the action. Raises KeyError for an action the table of rights does not have."""
    right = rights()[name]
    match by:
        case System():
            return right.system
        case Caller(who, scopes):
            scoped = name in scopes or (isinstance(who, Officer) and not scopes)
            return scoped and may(name, who)
        case ClientSystem():
            return right.client and by.active
        case Officer():
            return by.holds(*right.roles)


def officer_of(by: Actor) -> Officer:
    """Return the officer who acts. Raises NotAllowedError for a client system or the service."""
    who = by.who if isinstance(by, Caller) else by
    if not isinstance(who, Officer):
        raise NotAllowedError("only an officer may do this")
    return who


def require(name: str, by: Actor, at: datetime) -> None:
    """Raise NotAllowedError, and record the refusal, unless the actor may use the action."""
    if may(name, by):
        return
    _record_refusal(name, by, at)
    raise NotAllowedError(f"you may not use {name}")


def _record_refusal(name: str, by: Actor, at: datetime) -> None:
    with transaction.atomic():
        append([Entry(actor=by.reference, action="refused", record=f"action:{name}")], at=at)


def action[**P, R](name: str, *, reads: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that takes `by` and `at` an action of that name: right, change and trace in one transaction.

    What only `reads`, and may take long, is done before the transaction of its trace, so that no writer waits for it.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def act(*args: P.args, **kwargs: P.kwargs) -> R:
            by, at = _by(kwargs), _at(kwargs)
            require(name, by, at)
            try:
                with nullcontext() if reads else transaction.atomic(), _acting(name, by, at) as acting:
                    result = function(*args, **kwargs)
                    if acting.entries:
                        with transaction.atomic():
                            append(acting.entries, at=at)
                    elif not acting.written:
                        msg = f"{name} left no trace"
                        raise RuntimeError(msg)
            except NotAllowedError:
                _record_refusal(name, by, at)
                raise
            return result

        ACTIONS[name] = act
        return act

    return decorate


ACTIONS: dict[str, Callable[..., Any]] = {}
"""Every action by its name, as its module is imported."""


def record(record: str, content: bytes | None = None, *, action: str | None = None) -> None:
    """Say what the action under way did to a record, with the content the record now has (canonical bytes).

    `action` names it where it is not the action's own name (an export within a read).
    """
    acting = _current.get()
    acting.entries.append(
        Entry(actor=acting.by.reference, action=action or acting.name, record=record, content=content)
    )


def record_now(entries: list[Entry], at: datetime) -> list[AuditEvent]:
    """Write events at once where their numbers are needed within the action (the feed of rises)."""
    acting = _current.get()
    written = append(entries, at=at)
    acting.written += written
    return written


@contextmanager
def _acting(name: str, by: Actor, at: datetime) -> Iterator[_Acting]:
    acting = _Acting(name, by, at)
    token = _current.set(acting)
    try:
        yield acting
    finally:
        _current.reset(token)


def _by(kwargs: dict[str, Any]) -> Actor:
    by: Actor = kwargs["by"]
    return by


def _at(kwargs: dict[str, Any]) -> datetime:
    at: datetime = kwargs["at"]
    return at
