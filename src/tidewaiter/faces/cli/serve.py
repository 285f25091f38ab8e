"""`tidewaiter serve`: the service."""

from pathlib import Path

import click

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.engines.selection.key_shares import read_share
from tidewaiter.engines.selection.keys import Custody, Share, combine
from tidewaiter.engines.selection.sealed_store import read_sealed
from tidewaiter.faces.cli.options import EXISTING, lake_option
from tidewaiter.faces.django_start import start_django
from tidewaiter.faces.logs import configure_logs


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8700, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@click.option(
    "--share", "shares", type=EXISTING, multiple=True, metavar="FILE", help="A custodian's share; both are needed."
)
@click.option("--sealed", type=EXISTING, metavar="FILE", help="A sealed store; both passphrases are asked for.")
@lake_option
def serve(host: str, port: int, shares: tuple[Path, ...], sealed: Path | None, lake: Path) -> None:
    """Decide declarations as they come, over the API at /api/v1.

    The draw's secret is formed from both custodians' shares, or from a sealed store two persons open, and stays in
    memory. The records are those TIDEWAITER_DATABASE names. Logs go to standard error as JSON, figures to /metrics.
    SIGTERM or SIGINT stops: calls under way get their answers first.
    """
    keys = custody_of(shares, sealed)
    start_django()
    from tidewaiter.faces.serving import serve as run  # noqa: PLC0415  # needs Django started

    configure_logs()
    try:
        run(lake, keys, host=host, port=port)
    finally:
        keys.wipe()


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
