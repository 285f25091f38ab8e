"""How long work says how far it is."""

from collections.abc import Callable

type Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how much is done, and of how much (None: not known)."""


def unheard(_step: str, _done: int, _total: int | None) -> None:
    """Be told of progress and do nothing."""
