"""Logs of the long-running commands: one JSON object a line on standard error, nothing personal in it.

Django's own lines name addresses with their values, so of them only that an unforeseen error happened is kept, with
its kind and the lines of code it passed.
"""

import atexit
import logging
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import Final, Self, TextIO

import structlog

KEPT_FRAMES: Final = 12

_WRITE_EVERY = 0.25
"""Seconds."""


def configure_logs(stream: TextIO | None = None) -> None:
    """Write logs as JSON lines to the stream (None: standard error)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=Lines(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    django = logging.getLogger("django")
    django.handlers[:] = [UnforeseenOnly()]
    django.propagate = False


class Lines:
    """Gathers lines and writes them a few times a second, from a thread of its own.

    A call that writes its line itself waits for the disk and for its turn at the interpreter; here it only leaves the
    line. What was gathered is written when the process ends; what a killed process had not written is lost.
    """

    def __init__(self, stream: TextIO) -> None:
        """Begin to write to the stream."""
        self._stream, self._lines = stream, deque[str]()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def __call__(self, *_: object) -> Self:
        """Return the logger: one for all."""
        return self

    def msg(self, line: str) -> None:
        """Take a line."""
        self._lines.append(line)

    debug = info = warning = error = critical = exception = fatal = log = msg

    def close(self) -> None:
        """Write what is left, and end."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_WRITE_EVERY):
            self._write()
        self._write()

    def _write(self) -> None:
        taken = [self._lines.popleft() for _ in range(len(self._lines))]
        if taken:
            with suppress(OSError, ValueError):  # nobody reads the stream any more
                self._stream.write("\n".join(taken) + "\n")
                self._stream.flush()


class UnforeseenOnly(logging.Handler):
    """Keeps of a library's lines those about an exception: its kind and where it was, never its text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the kind of the exception, when there is one."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            structlog.get_logger().error("unforeseen error", error=type(error).__name__, where=where(error))


def where(error: BaseException) -> list[str]:
    """Return the last lines of code an exception passed, as `file:line function`."""
    found, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-KEPT_FRAMES:]
