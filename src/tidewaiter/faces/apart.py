"""The process beside `tidewaiter serve` that decides declarations: it is started by the service, not by people."""

import gc
import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Final

from tidewaiter.faces.django_start import start_django
from tidewaiter.language.catalogue import load_catalogue

COMMAND: Final = (sys.executable, "-c", "from tidewaiter.faces.apart import run; run()")
"""What starts it; the numbers of the files to talk by follow: of groups, and of lots."""

COLLECT_AFTER: Final = (50_000, 20, 100)
"""Objects made before Python looks for rings: a batch makes many that live a moment, and rings are rare."""

LOCK_SECONDS: Final = 60
"""How long PostgreSQL lets a group wait for others who write, before it is refused: less than the service waits."""


def run() -> None:
    """Decide until the service closes its end. Signals are the service's business."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.environ.setdefault("PGOPTIONS", f"-c lock_timeout={LOCK_SECONDS}s")
    start_django()
    from tidewaiter.actions.decisions.apart import serve_apart  # noqa: PLC0415  # needs Django started
    from tidewaiter.actions.decisions.line import Line  # noqa: PLC0415  # the same

    with Connection(int(sys.argv[1])) as groups, Connection(int(sys.argv[2])) as lots:
        gc.set_threshold(*COLLECT_AFTER)
        serve_apart(Line(groups), Line(lots), load_catalogue())
