"""Text as the lake keeps it: Unicode NFC, without outer white space, without the separators digests are made with.

Done on whole columns: most hold plain ASCII without blanks, which one look at their bytes tells.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.tables import BLANKS

_SEPARATORS = r"[\x00\x1c-\x1f]"
_FIRST_VISIBLE = 33
_FIRST_BEYOND_ASCII = 127


def cleaned(cells: pa.Table) -> pa.Table:
    """Return the cells with every text, also within lists of text, cleaned; other types stay as they are."""
    return pa.table([_column(column) for column in cells.columns], names=cells.column_names)


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type):
        return pa.chunked_array([_clean(chunk) for chunk in column.chunks], pa.string())
    if pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
        return pa.chunked_array([_clean_list(chunk) for chunk in column.chunks], pa.list_(pa.string()))
    return column


def _clean_list(lists: pa.ListArray) -> pa.ListArray:
    lengths = pc.list_value_length(lists)
    ends = np.cumsum(lengths.fill_null(0).to_numpy(zero_copy_only=False))
    offsets = pa.array(np.concatenate(([0], ends)), pa.int32())
    return pa.ListArray.from_arrays(offsets, _clean(lists.flatten()), mask=lists.is_null())


def _clean(texts: pa.StringArray) -> pa.StringArray:
    data = texts.buffers()[2]
    if data is None or not len(texts):
        return texts
    written = np.frombuffer(data, np.uint8)
    blanks, beyond = bool((written < _FIRST_VISIBLE).any()), bool((written > _FIRST_BEYOND_ASCII).any())
    if blanks:
        if (written < ord(" ")).any():
            texts = pc.replace_substring_regex(texts, _SEPARATORS, " ")
        texts = pc.ascii_trim_whitespace(texts)
    if beyond:
        texts = pc.utf8_trim(pc.utf8_normalize(texts, "NFC"), BLANKS)
    return texts
