"""`tidewaiter serve`: the service."""

from pathlib import Path

import click

from tidewaiter.faces.cli.options import lake_option
from tidewaiter.faces.cli.records import open_records
from tidewaiter.faces.draw_keys import custody_of, key_options
from tidewaiter.faces.logs import configure_logs


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8700, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@key_options
@lake_option
def serve(host: str, port: int, shares: tuple[Path, ...], sealed: Path | None, lake: Path) -> None:
    """Decide declarations as they come, over the API at /api/v1.

    The draw's secret is formed from both custodians' shares, or from a sealed store two persons open, and stays in
    memory. The records are those TIDEWAITER_DATABASE names. Logs go to standard error as JSON, figures to /metrics.
    SIGTERM or SIGINT stops: calls under way get their answers first.
    """
    keys = custody_of(shares, sealed)
    open_records()
    from tidewaiter.faces.serving import serve as run  # noqa: PLC0415  # needs Django started

    configure_logs()
    try:
        run(lake, keys, host=host, port=port)
    finally:
        keys.wipe()
