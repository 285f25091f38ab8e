"""Progress of long steps, on standard error: a bar on a terminal, one plain line a step elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_EVERY_SECONDS = 5.0


class Report(Protocol):
    """What long work calls: what it is doing, how much is done, of how much (None: not known)."""

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """Tell how far the step is."""


@contextmanager
def progress() -> Iterator[Report]:
    """Give a function that shows how far long work is; nothing of it reaches standard output."""
    if sys.stderr is not None and sys.stderr.isatty():  # None where it is closed
        with _bars() as bars:
            yield _Bars(bars)
    else:
        yield _Lines()


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, object] = {}

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total)
        self._bars.update(self._tasks[step], completed=done, total=total)  # type: ignore[arg-type]


class _Lines:
    def __init__(self) -> None:
        self._step = ""
        self._at = 0.0

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        now = time.monotonic()
        if step == self._step and now - self._at < PLAIN_EVERY_SECONDS:
            return
        self._step, self._at = step, now
        of = f" of {total:,}" if total else ""
        with suppress(BrokenPipeError):  # work goes on when nobody listens
            click.echo(f"  {step}" + (f": {done:,}{of}" if done else ""), err=True)
