"""Texts in records: what was packed comes back, by this version or an earlier one; what was damaged is told."""

import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.actions.packing import packed, unpacked


@given(st.text() | st.text("ab", min_size=300, max_size=3_000))
def test_a_text_comes_back_and_is_packed_the_same_each_time(text: str) -> None:
    assert unpacked(packed(text)) == unpacked(memoryview(packed(text.encode()))) == text
    assert packed(text) == packed(text.encode())


@given(st.text())
def test_texts_of_earlier_versions_are_read(text: str) -> None:
    assert unpacked(zlib.compress(text.encode(), 1)) == text


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"\x01" + tail))
def test_what_is_no_packed_text_is_damaged_or_read(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(unpacked(data), str)


def test_a_damaged_text_is_told() -> None:
    whole = packed("goods " * 1_000)
    wrong = whole[:9] + bytes(byte ^ 0xFF for byte in whole[9:])
    for damaged in (whole[:-3], wrong, b"", zlib.compress(b"goods")[:-1], b"\x01\xff\xff\xff\xff" + whole[5:]):
        with pytest.raises(ValueError, match="damaged"):
            unpacked(damaged)
