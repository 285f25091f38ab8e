"""Run `tidewaiter` by a clock that is some days ahead: `python -m tools.tour.clock DAYS COMMAND...`.

For the tour only: a day's key is opened when the day is over, and nobody waits for midnight. The command line itself
takes no clock, so that nobody dates what he does.
"""

import sys
from datetime import datetime, timedelta

from tidewaiter.faces.cli import records


def main() -> None:
    """Put the clock forward and run the command line."""
    days, present = timedelta(days=int(sys.argv.pop(1))), records.now

    def ahead() -> datetime:
        return present() + days

    records.now = ahead  # before the commands take it from there
    from tidewaiter.faces.cli.main import run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
