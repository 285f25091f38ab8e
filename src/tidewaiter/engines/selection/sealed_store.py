"""The sealed store: the draw's masters in one file that two persons open together, so that a service can restart.

It is a JSON document. The masters are sealed with AES-256-GCM under a key made of both passphrases, each by scrypt with
a salt of its own; one passphrase alone opens nothing. Whatever stands readable beside them (the cost of scrypt, the
salts, the pairs and their first days) is sealed with them, so a change of it is found as well.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tidewaiter.core.errors import ConflictError, InputError, Place, Problem
from tidewaiter.engines.selection.keys import SECRET_BYTES, Custody, Master, Randomness, pair_id
from tidewaiter.engines.selection.secret_files import read_secret, replace_secret

FORM = "tidewaiter sealed draw secret, form 1"
SHORTEST_PASSPHRASE = 12
"""Characters."""

_SALT_BYTES = 16
_NONCE_BYTES = 12
_CHEAPEST, _DEAREST = 1 << 14, 1 << 21
_RESTORE = "take it from the last backup, or let both custodians give their shares and seal anew"


@dataclass(frozen=True, slots=True)
class Cost:
    """What trying one passphrase costs: scrypt's parameters. Memory is 128 n r bytes, 128 MiB as given here."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    def bearable(self) -> bool:
        """Return whether scrypt takes these, and they are neither too cheap nor meant to use up the machine."""
        whole = all(type(number) is int and number > 0 for number in (self.n, self.r, self.p))
        return whole and self.n & (self.n - 1) == 0 and self.p <= 16 and _CHEAPEST <= self.n * self.r <= _DEAREST


@dataclass(frozen=True, slots=True)
class _Sealing:
    """How one store is sealed: all that is needed beside the passphrases to make its key."""

    cost: Cost
    salts: tuple[bytes, bytes]
    nonce: bytes

    def key(self, first: str, second: str) -> bytes:
        """Return the key that both passphrases make."""
        parts = [_stretched(text, salt, self.cost) for text, salt in zip((first, second), self.salts, strict=True)]
        kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tidewaiter sealed draw secret")
        return kdf.derive(b"".join(parts))


def _stretched(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """Return 32 bytes made of a passphrase, at a cost; how a keyboard composes its letters does not matter."""
    text = unicodedata.normalize("NFKC", passphrase)
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(text.encode())


def seal(custody: Custody, first: str, second: str, *, randomness: Randomness, cost: Cost = Cost()) -> bytes:
    """Return the document that only the first and the second person's passphrases open together.

    Raises InputError where a passphrase is too short or both are the same, ConflictError where a master was wiped.
    """
    problems = _unfit(first, second)
    if problems:
        raise InputError(problems)
    if any(not master.secret for master in custody.masters):
        raise ConflictError("a secret of the draw was wiped from memory, so it cannot be sealed")
    sealing = _Sealing(cost, (randomness(_SALT_BYTES), randomness(_SALT_BYTES)), randomness(_NONCE_BYTES))
    beside = _beside(sealing, custody)
    secrets = b"".join(bytes(master.secret) for master in custody.masters)
    sealed = AESGCM(sealing.key(first, second)).encrypt(sealing.nonce, secrets, _bound(beside))
    return json.dumps({**beside, "sealed": sealed.hex()}, indent=1).encode() + b"\n"


def _unfit(first: str, second: str) -> list[Problem]:
    """Return why these passphrases do not need two persons."""
    problems = [
        Problem(
            f"the {which} passphrase has {len(text.strip())} characters, fewer than {SHORTEST_PASSPHRASE}",
            suggestion="take several words that do not belong together",
        )
        for which, text in (("first", first), ("second", second))
        if len(text.strip()) < SHORTEST_PASSPHRASE
    ]
    if unicodedata.normalize("NFKC", first) == unicodedata.normalize("NFKC", second):
        problems.append(Problem("both passphrases are the same", suggestion="each person chooses one alone"))
    return problems


def _beside(sealing: _Sealing, custody: Custody) -> dict[str, Any]:
    """Return what stands readable beside the sealed masters."""
    return {
        "form": FORM,
        "scrypt": asdict(sealing.cost),
        "salts": [salt.hex() for salt in sealing.salts],
        "nonce": sealing.nonce.hex(),
        "pairs": [{"pair": master.pair, "from": master.from_day.isoformat()} for master in custody.masters],
    }


def _bound(beside: Mapping[str, Any]) -> bytes:
    """Return the bytes by which what stands beside is bound to what is sealed."""
    return json.dumps(beside, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class _Store:
    """A sealed store as read: not yet opened, and nothing of it to be trusted before it is."""

    sealing: _Sealing
    pairs: tuple[tuple[str, date], ...]
    sealed: bytes
    bound: bytes

    def masters(self, secrets: bytes) -> list[Master]:
        """Return the masters of what was sealed. Raises ValueError where it does not hold the pairs named."""
        parts = [secrets[start : start + SECRET_BYTES] for start in range(0, len(secrets), SECRET_BYTES)]
        named = zip(self.pairs, parts, strict=True)
        masters = [Master(pair, from_day, bytearray(secret)) for (pair, from_day), secret in named]
        if any(pair_id(master.secret, master.from_day) != master.pair for master in masters):
            raise ValueError
        return masters


def _read(content: bytes) -> _Store:
    """Return a store as it stands. Raises KeyError, TypeError, ValueError or RecursionError where it is none."""
    document = json.loads(content)
    beside = {name: value for name, value in document.items() if name != "sealed"}
    cost = Cost(**beside["scrypt"])
    if beside["form"] != FORM or not cost.bearable():
        raise ValueError
    first, second = (bytes.fromhex(salt) for salt in beside["salts"])
    sealing = _Sealing(cost, (first, second), bytes.fromhex(beside["nonce"]))
    if len(sealing.nonce) != _NONCE_BYTES:
        raise ValueError
    pairs = tuple((pair["pair"], date.fromisoformat(pair["from"])) for pair in beside["pairs"])
    return _Store(sealing, pairs, bytes.fromhex(document["sealed"]), _bound(beside))


def open_sealed(content: bytes, first: str, second: str, *, file: str | None = None) -> Custody:
    """Return the masters of a sealed store, opened by both persons' passphrases in the order they were sealed in.

    Raises InputError where the document is no sealed store or damaged, and where it does not open: which passphrase is
    wrong cannot be told, nor whether one is or the document was altered.
    """
    try:
        store = _read(content)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        message = "this is not a sealed store of the draw's secret, or it is damaged"
        raise InputError(Problem(message, Place(file), _RESTORE)) from error
    try:
        secrets = AESGCM(store.sealing.key(first, second)).decrypt(store.sealing.nonce, store.sealed, store.bound)
        return Custody(store.masters(secrets))
    except (InvalidTag, ValueError) as error:
        message = "the sealed store does not open: a passphrase is wrong, or the two changed places, or it was altered"
        raise InputError(Problem(message, Place(file), f"try again; if it was altered, {_RESTORE}")) from error


def write_sealed(content: bytes, path: Path) -> None:
    """Write a sealed store in place of an earlier one; a crash leaves the old one or the new one, whole."""
    replace_secret(path, content)


def read_sealed(path: Path, first: str, second: str) -> Custody:
    """Return the masters of a sealed store's file, as `open_sealed` does."""
    return open_sealed(read_secret(path), first, second, file=str(path))
