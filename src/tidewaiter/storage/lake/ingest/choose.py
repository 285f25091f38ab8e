"""Opening a file under a mapping, or under the one shipped mapping whose columns it has."""

from pathlib import Path

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileFormat, FileMapping
from tidewaiter.language.mappings import shipped_mappings
from tidewaiter.storage.lake.formats.chunk import InputFile
from tidewaiter.storage.lake.formats.opened import check_columns, open_input


def opened(path: Path, mapping: FileMapping | None) -> tuple[FileMapping, InputFile]:
    """Return the mapping and the file opened under it; its required columns are there.

    Raises InputError when a column is missing or, without a mapping, when no shipped one fits or several do.
    """
    if mapping is None:
        mapping = chosen_mapping(path)
    file = open_input(path, mapping.format, mapping.columns())
    check_columns(file, path, mapping.required_columns())
    return mapping, file


def chosen_mapping(path: Path) -> FileMapping:
    """Return the shipped mapping whose required columns the file has and which reads most of its columns."""
    shipped = shipped_mappings()
    every = frozenset().union(*(mapping.columns() for mapping in shipped))
    headers = frozenset(open_input(path, FileFormat(), every).headers)
    fitting = [mapping for mapping in shipped if mapping.required_columns() <= headers]
    if not fitting:
        raise InputError(
            [
                Problem(
                    "no shipped mapping has the columns of this file",
                    Place(str(path), 1),
                    f"write one: tidewaiter mapping suggest {path}",
                ),
                *_near(shipped, headers),
            ]
        )
    most = max(len(mapping.columns() & headers) for mapping in fitting)
    best = [mapping for mapping in fitting if len(mapping.columns() & headers) == most]
    if len(best) > 1:
        names = ", ".join(mapping.name for mapping in best)
        raise InputError(
            Problem(
                "several shipped mappings fit this file", Place(str(path), 1), f"choose one with --mapping: {names}"
            )
        )
    return best[0]


def _near(shipped: tuple[FileMapping, ...], headers: frozenset[str]) -> list[Problem]:
    """Say of the three nearest mappings what is missing."""
    nearest = sorted(
        shipped, key=lambda mapping: len(mapping.required_columns() - headers) / len(mapping.required_columns())
    )
    return [
        Problem(f"nearest: {mapping.name} lacks {', '.join(sorted(mapping.required_columns() - headers))}")
        for mapping in nearest[:3]
        if mapping.required_columns() & headers
    ]
