"""The custody of the draw's secret: two custodians' shares make the master, the master makes the key of each day.

    master = HKDF-SHA256(first share XOR second share)
    key of a day = HMAC-SHA256(master, "tidewaiter draw day" + 0x00 + day as YYYY-MM-DD)

One share alone fits every possible master equally well, so it says nothing. The key of one day says nothing of the
master nor of another day, so a day can be opened to auditors by itself. The id of a pair follows from its master and
first day: shares that were altered or do not belong together are found when they are combined, and a custodian cannot
change what is drawn by bringing another share.

These derivations must stay as they are for as long as a decision may be verified or replayed.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tidewaiter.core.errors import ConflictError, InputError, NotKnownError, Problem

SECRET_BYTES = 32
PAIR_BYTES = 16

type Custodian = Literal[1, 2]
type Randomness = Callable[[int], bytes]
"""Gives so many unforeseeable bytes; `secrets.token_bytes` outside of tests."""


def _wipe(secret: bytearray) -> None:
    """Overwrite a secret and leave nothing of it; copies that Python made elsewhere are out of reach."""
    secret[:] = bytes(len(secret))
    secret.clear()


@dataclass(frozen=True, slots=True)
class Share:
    """One custodian's half of a pair; worth nothing without the other."""

    pair: str
    """The id of the pair: 32 hexadecimal digits, no secret."""
    custodian: Custodian
    from_day: date
    """The first day whose key the pair gives."""
    secret: bytearray = field(repr=False, hash=False)

    def wipe(self) -> None:
        """Overwrite the secret in memory, as far as Python can."""
        _wipe(self.secret)


@dataclass(frozen=True, slots=True)
class Master:
    """What a pair makes together: the secret behind the keys of all days from the pair's first on."""

    pair: str
    from_day: date
    secret: bytearray = field(repr=False, hash=False)

    def wipe(self) -> None:
        """Overwrite the secret in memory, as far as Python can; no key can be had from it afterwards."""
        _wipe(self.secret)


def pair_id(secret: bytes | bytearray, from_day: date) -> str:
    """Return the id that a master's secret and first day have; it says nothing of the secret."""
    message = b"tidewaiter draw pair\0" + from_day.isoformat().encode()
    return hmac.digest(bytes(secret), message, "sha256")[:PAIR_BYTES].hex()


def _joined(first: bytes | bytearray, second: bytes | bytearray) -> bytearray:
    """Return the master's secret of two shares, in either order."""
    both = bytes(one ^ other for one, other in zip(first, second, strict=True))
    kdf = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=b"tidewaiter draw master")
    return bytearray(kdf.derive(both))


def new_shares(randomness: Randomness, *, from_day: date) -> tuple[Share, Share]:
    """Return the shares of the first and of the second custodian of a new pair, whose keys begin on `from_day`."""
    first, second = bytearray(randomness(SECRET_BYTES)), bytearray(randomness(SECRET_BYTES))
    secret = _joined(first, second)
    pair = pair_id(secret, from_day)
    _wipe(secret)
    return Share(pair, 1, from_day, first), Share(pair, 2, from_day, second)


def combine(one: Share, other: Share) -> Master:
    """Return the master that two shares make, in either order.

    Raises InputError where they are one custodian's twice, of two pairs, or altered, and ConflictError where one was
    wiped.
    """
    _held(one.secret, f"the share of custodian {one.custodian}")
    _held(other.secret, f"the share of custodian {other.custodian}")
    problems = _misfits(one, other)
    if problems:
        raise InputError(problems)
    secret = _joined(one.secret, other.secret)
    if pair_id(secret, one.from_day) != one.pair:
        raise InputError(
            Problem(
                f"the two shares of pair {one.pair} do not make its key: at least one of them was altered",
                suggestion="read both again from the custodians' own copies",
            )
        )
    return Master(one.pair, one.from_day, secret)


def _misfits(one: Share, other: Share) -> list[Problem]:
    """Return why two shares cannot belong together, as far as their outside tells."""
    if one.pair != other.pair:
        spans = f"{one.pair} (from {one.from_day}) and {other.pair} (from {other.from_day})"
        return [Problem(f"the shares are of two pairs: {spans}", suggestion="bring both shares of one pair")]
    problems = []
    if one.custodian == other.custodian:
        missing = 3 - one.custodian
        problems.append(
            Problem(
                f"both are the share of custodian {one.custodian} of pair {one.pair}",
                suggestion=f"the share of custodian {missing} is needed beside it",
            )
        )
    if one.from_day != other.from_day:
        days = f"{one.from_day} and {other.from_day}"
        problems.append(Problem(f"the shares of pair {one.pair} name two first days: {days}"))
    return problems


def _held(secret: bytearray, what: str) -> None:
    """Raise ConflictError where a secret was wiped."""
    if not secret:
        raise ConflictError(f"{what} was wiped from memory; both custodians have to give their shares again")


def day_key(master: Master, day: date) -> bytes:
    """Return the key of one day, 32 bytes; it tells nothing of the key of another day.

    Raises NotKnownError for a day before the master's first, and ConflictError where the master was wiped.
    """
    _held(master.secret, f"the secret of pair {master.pair}")
    if day < master.from_day:
        raise NotKnownError(f"pair {master.pair} gives keys from {master.from_day} on, none for {day}")
    return hmac.digest(bytes(master.secret), b"tidewaiter draw day\0" + day.isoformat().encode(), "sha256")


class Custody:
    """The masters that a service holds, in memory only, each giving the keys from its first day to the next one's.

    A new pair begins on a later day, so the keys of earlier days stay what they were until those days are opened.
    """

    __slots__ = ("_masters",)

    def __init__(self, masters: Iterable[Master]) -> None:
        """Hold these masters. Raises InputError where there is none, or two begin on one day."""
        held = tuple(sorted(masters, key=lambda master: master.from_day))
        if not held:
            raise InputError("there is no pair of shares to make keys of")
        twice = sorted({one.from_day for one, other in pairwise(held) if one.from_day == other.from_day})
        if twice:
            raise InputError(Problem(f"two pairs begin on {day}; one day has one key") for day in twice)
        self._masters = held

    def __repr__(self) -> str:
        """Return the pairs held, without their secrets."""
        held = ", ".join(f"{master.pair} from {master.from_day}" for master in self._masters)
        return f"Custody({held})"

    @property
    def masters(self) -> tuple[Master, ...]:
        """The masters held, by their first days."""
        return self._masters

    def day_key(self, day: date) -> bytes:
        """Return the key of that day, 32 bytes.

        Raises NotKnownError for a day before all pairs held, and ConflictError after wiping.
        """
        for master in reversed(self._masters):
            if master.from_day <= day:
                return day_key(master, day)
        raise NotKnownError(
            Problem(
                f"no pair of shares held gives the key of {day}; the first begins on {self._masters[0].from_day}",
                suggestion="both custodians of the earlier pair have to give their shares",
            )
        )

    def add(self, master: Master, *, today: date) -> None:
        """Hold a new pair beside the others, from its first day on.

        Raises InputError where that day is not after today (today's key is lodged already), or not after the first
        days of the pairs held.
        """
        last = max(today, self._masters[-1].from_day)
        if master.from_day <= last:
            raise InputError(
                Problem(
                    f"pair {master.pair} begins on {master.from_day}: keys up to {last} are another pair's",
                    suggestion=f"make a new pair that begins after {last}",
                )
            )
        self._masters = (*self._masters, master)

    def drop_before(self, day: date) -> None:
        """Wipe the masters that give no key from `day` on, the earliest day still to be drawn with or to be opened."""
        held = self._masters
        needed = tuple(one for one, following in pairwise(held) if following.from_day > day)
        self._masters = (*needed, held[-1])
        for master in held[: -len(self._masters)]:
            master.wipe()

    def wipe(self) -> None:
        """Overwrite all secrets in memory, as far as Python can; no key can be had afterwards."""
        for master in self._masters:
            master.wipe()
