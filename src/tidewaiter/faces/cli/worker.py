"""`tidewaiter worker`: the service's own work, beside `serve`."""

import signal
import threading
from pathlib import Path

import click
import structlog

from tidewaiter.faces.cli.backup import attachments
from tidewaiter.faces.cli.options import EXISTING, lake_option
from tidewaiter.faces.cli.records import now, open_records
from tidewaiter.faces.draw_keys import custody_of, key_options
from tidewaiter.faces.logs import configure_logs
from tidewaiter.language.catalogue import load_catalogue

BETWEEN_TURNS = 1.0
"""Seconds."""


@click.command()
@key_options
@click.option(
    "--heads", type=EXISTING, metavar="FILE", help="File outside the database that heads of the audit chain go to."
)
@click.option("--once", is_flag=True, help="Do what is due and end.")
@lake_option
def worker(shares: tuple[Path, ...], sealed: Path | None, heads: Path | None, once: bool, lake: Path) -> None:
    """Do the service's own work: goods in flight, assignments, lots, copies to the lake, the close of each day.

    Run one, beside `serve`, with the same records, lake and shares; a second is refused. History must be in the lake
    before the first day is closed: a row loaded later counts from the next close. SIGTERM or SIGINT stops after the
    piece of work under way.
    """
    keys = custody_of(shares, sealed)
    open_records()
    from tidewaiter.actions.draws import check_keys  # noqa: PLC0415
    from tidewaiter.actions.operation.working import Done, Worker  # noqa: PLC0415  # needs Django started
    from tidewaiter.storage.records.alone import alone  # noqa: PLC0415

    configure_logs()
    log = structlog.get_logger()

    def told(done: Done) -> None:
        log.info("worked", work=done.name, **{name.replace(" ", "_"): count for name, count in done.counts.items()})

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    check_keys(keys)
    try:
        with alone("worker") as check:
            at_work = Worker(lake, load_catalogue(), keys, now, heads, told, attachments())
            while not stopped.is_set():
                check()
                at_work.turn()
                if once:
                    break
                stopped.wait(BETWEEN_TURNS)
    finally:
        keys.wipe()
