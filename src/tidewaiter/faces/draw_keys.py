"""Where the draw's secret comes from: both custodians' shares, or a sealed store that two persons open together."""

from collections.abc import Callable
from pathlib import Path

import click

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.engines.selection.key_shares import read_share
from tidewaiter.engines.selection.keys import Custody, Share, combine
from tidewaiter.engines.selection.sealed_store import read_sealed

EXISTING = click.Path(path_type=Path)


def key_options[F: Callable[..., object]](command: F) -> F:
    """Give a command the options --share and --sealed."""
    sealed = click.option("--sealed", type=EXISTING, metavar="FILE", help="A sealed store; both passphrases are asked.")
    share = click.option(
        "--share", "shares", type=EXISTING, multiple=True, metavar="FILE", help="A custodian's share; both are needed."
    )
    return share(sealed(command))


def custody_of(shares: tuple[Path, ...], sealed: Path | None) -> Custody:
    """Return the draw's secret from the shares or the sealed store.

    Raises UsageError unless one of the two is given, InputError when they cannot be used.
    """
    if bool(shares) == (sealed is not None):
        raise click.UsageError("give both custodians' shares (--share FILE --share FILE), or --sealed FILE")
    if sealed is not None:
        first = click.prompt("Passphrase of the first person", hide_input=True, err=True)
        second = click.prompt("Passphrase of the second person", hide_input=True, err=True)
        return read_sealed(sealed, first, second)
    pairs: dict[str, list[Share]] = {}
    for share in map(read_share, shares):
        pairs.setdefault(share.pair, []).append(share)
    alone = [pair for pair, held in pairs.items() if len(held) != 2]
    if alone:
        advice = "give the share of custodian 1 and that of custodian 2 of each pair"
        raise InputError(Problem(f"pair {pair} does not have two shares here", suggestion=advice) for pair in alone)
    return Custody(combine(*held) for held in pairs.values())
