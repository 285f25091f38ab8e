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
    def _spaces(self) -> NDArray[np.int64]:
        """Where each space stands, ordered by the eight bytes that follow it."""
        spaces = np.flatnonzero(np.frombuffer(self._data, np.uint8)[: -_KEY - 1] == _SPACE)
        keys = self._keys_at(spaces)
        order = np.argsort(keys)
        self._sorted_keys = keys[order]
        return spaces[order]

    def _keys_at(self, spaces: NDArray[np.int64]) -> NDArray[np.uint64]:
        windows: NDArray[np.uint64] = np.ndarray(
            shape=(len(self._data) - _KEY + 1,), dtype=">u8", buffer=self._data, strides=(1,)
        )
        return windows[spaces + 1].astype(np.uint64)

    def having(self, phrases: Iterable[str]) -> NDArray[np.bool_]:
        """Return which texts have one of the phrases."""
        found = np.zeros(self._count, np.bool_)
        for phrase in phrases:
            found[self._texts_with(searched(phrase).encode())] = True
        return found

    def _texts_with(self, sought: bytes) -> NDArray[np.int64]:
        spaces = self._spaces
        after = sought[1:]
        low = int.from_bytes(after[:_KEY].ljust(_KEY, b"\x00"))
        high = int.from_bytes(after[:_KEY].ljust(_KEY, b"\xff"))
        first = np.searchsorted(self._sorted_keys, np.uint64(low), "left")
        last = np.searchsorted(self._sorted_keys, np.uint64(high), "right")
        places = self._continued(spaces[first:last], after[_KEY:])
        texts = np.searchsorted(self._offsets, places, "right") - 1
        within = places + len(sought) <= self._offsets[texts + 1]
        return texts[within]

    def _continued(self, places: NDArray[np.int64], rest: bytes) -> NDArray[np.int64]:
        """Return those places whose text goes on, after the key, with `rest`."""
        data = np.frombuffer(self._data, np.uint8)
        places = places[places + 1 + _KEY + len(rest) <= len(data)] if rest else places
        for step, byte in enumerate(rest):
            if not len(places):
                break
            places = places[data[places + 1 + _KEY + step] == byte]
        return places
