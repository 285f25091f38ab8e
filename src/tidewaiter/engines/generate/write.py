"""The files of a generated country: Parquet month by month, and the plain ones beside them."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_A_GROUP = 131_072


class ParquetFiles:
    """Parquet files of a folder, appended to table by table; same tables in, same bytes out."""

    def __init__(self, folder: Path, schemas: Mapping[str, pa.Schema]) -> None:
        self._folder = folder
        self._schemas = schemas
        self._stack = ExitStack()
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows = dict.fromkeys(schemas, 0)

    def __enter__(self) -> Self:
        """Open all files, so that one without rows is there too."""
        for name, schema in self._schemas.items():
            writer = pq.ParquetWriter(self._folder / f"{name}.parquet", schema, compression="zstd")
            self._writers[name] = self._stack.enter_context(writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files."""
        self._stack.__exit__(kind, error, trace)

    def append(self, name: str, table: pa.Table) -> None:
        """Append rows to one file."""
        if table.num_rows:
            self._writers[name].write_table(table, row_group_size=ROWS_A_GROUP)
            self.rows[name] += table.num_rows


def write_json_lines(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object a line."""
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write one JSON value, indented."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
