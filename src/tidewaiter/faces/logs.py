"""Logs of the long-running commands: one JSON object a line on standard error, nothing personal in it.

Django's own lines name addresses with their values, so of them only that an unforeseen error happened is kept, with
its kind and the lines of code it passed.
"""

import logging
import sys
from typing import Final, TextIO

import structlog

KEPT_FRAMES: Final = 12


def configure_logs(stream: TextIO | None = None) -> None:
    """Write logs as JSON lines to the stream (None: standard error)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    django = logging.getLogger("django")
    django.handlers[:] = [UnforeseenOnly()]
    django.propagate = False


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
