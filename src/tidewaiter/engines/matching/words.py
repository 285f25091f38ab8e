"""Word search over many texts at once: every word keyed by its first eight bytes, in order, so a phrase is a range."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_KEY = 8
_SPACE = 0x20


def searched(phrase: str) -> str:
    """Return the text that a normalised text holds where it has the phrase: ` word ` or, for `begin*`, ` begin`."""
    return f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} "


class WordIndex:
    """The places of words in texts that are normalised as `normalised_words` does."""

    def __init__(self, texts: pa.Array) -> None:
        """Take a string array without nulls."""
        offsets = np.frombuffer(texts.buffers()[1], np.int32) if len(texts) else np.zeros(1, np.int32)
        self._offsets = offsets[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
        buffer = texts.buffers()[2] if len(texts) else None
        start, stop = int(self._offsets[0]), int(self._offsets[-1])
        self._data = (b"" if buffer is None else buffer.slice(start, stop - start).to_pybytes()) + bytes(_KEY + 1)
        self._offsets -= start
        self._count = len(texts)

    @cached_property
    def _words(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        """The eight bytes after each space, in order; where that space stands; the number of its text."""
        spaces = np.flatnonzero(np.frombuffer(self._data, np.uint8)[: -_KEY - 1] == _SPACE)
        keys = self._keys_at(spaces)
        order = np.argsort(keys)
        texts = np.repeat(np.arange(self._count), np.diff(np.searchsorted(spaces, self._offsets)))
        return keys[order], spaces[order], texts[order]

    def _keys_at(self, spaces: NDArray[np.int64]) -> NDArray[np.uint64]:
        windows: NDArray[np.uint64] = np.ndarray(
            shape=(len(self._data) - _KEY + 1,), dtype=">u8", buffer=self._data, strides=(1,)
        )
        return windows[spaces + 1].astype(np.uint64)

    def having(self, phrases: Iterable[str]) -> NDArray[np.int64]:
        """Return the numbers of the texts that have one of the phrases, in any order, some perhaps more than once."""
        found = [self._texts_with(searched(phrase).encode()) for phrase in phrases]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _texts_with(self, sought: bytes) -> NDArray[np.int64]:
        keys, spaces, texts = self._words
        after = sought[1:]
        low = int.from_bytes(after[:_KEY].ljust(_KEY, b"\x00"))
        high = int.from_bytes(after[:_KEY].ljust(_KEY, b"\xff"))
        first, last = np.searchsorted(keys, np.uint64(low), "left"), np.searchsorted(keys, np.uint64(high), "right")
        places, of_text = spaces[first:last], texts[first:last]
        within = places + len(sought) <= self._offsets[of_text + 1]
        places, of_text = places[within], of_text[within]
        data = np.frombuffer(self._data, np.uint8)
        for step, byte in enumerate(after[_KEY:], 1 + _KEY):
            same = data[places + step] == byte
            places, of_text = places[same], of_text[same]
        return of_text
