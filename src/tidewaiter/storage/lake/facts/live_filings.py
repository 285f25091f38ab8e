"""The consignment of each declaration among the filings that an image holds and those in the service's records."""

import marshal
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from sys import getsizeof
from typing import Any

import numpy as np
import pyarrow as pa

from tidewaiter.core.facts import normalised_words
from tidewaiter.core.tables import CONSIGNMENTS
from tidewaiter.storage.lake.facts.live_index import digest
from tidewaiter.storage.lake.facts.live_plan import FILED
from tidewaiter.storage.lake.facts.live_rows import Given, held_columns
from tidewaiter.storage.lake.schema import row_schema

FILING_ROWS = row_schema(CONSIGNMENTS)
_CHOICE = ("consignment_id", "version", "master_document", "known_at", "filed_at", "counted_on")

type Filing = dict[str, Any]
type Wanted = tuple[str | None, int, int]
"""A document, the moment up to which filings are known (microseconds) and the day of decision."""

words = lru_cache(maxsize=8_192)(normalised_words)
"""core.facts.normalised_words, with the latest texts remembered."""


class Filings:
    """Filings by document: the parts of them that are read, and what choosing needs, each packed in a few bytes."""

    __slots__ = ("_by_document", "_by_master", "_packed", "read")

    def __init__(self, table: pa.Table, read: Iterable[str]) -> None:
        """Take rows of consignments; `read` names the columns that facts read."""
        wanted = {*_CHOICE, *read, *(name.removesuffix("_words") for name in read)}
        if "seals_changed" in wanted:
            wanted.add("containers")
        self.read = tuple(name for name in FILED if name in wanted)
        self._packed = [marshal.dumps(tuple(filing.values())) for batch in table.to_batches(max_chunksize=10_000)
                        for filing in filing_rows(pa.Table.from_batches([batch]), self.read)]  # fmt: skip
        self._by_document = _Places(table, "consignment_id")
        self._by_master = _Places(table, "master_document") if "houses" in wanted else None

    @property
    def bytes_held(self) -> int:
        """Return the bytes of the filings and of the places of the documents."""
        packed = sum(8 + getsizeof(filing) for filing in self._packed)
        return packed + sum(places.bytes_held for places in (self._by_document, self._by_master) if places)

    def of(self, documents: Iterable[str]) -> list[Filing]:
        """Return all filings of these documents, every version."""
        return self._found(self._by_document, "consignment_id", set(documents))

    def under(self, masters: Iterable[str]) -> list[Filing]:
        """Return all filings under these master documents."""
        return self._found(self._by_master, "master_document", set(masters)) if self._by_master else []

    def _found(self, places: "_Places", column: str, names: set[str]) -> list[Filing]:
        unpacked = (marshal.loads(self._packed[at]) for at in places.of(names))  # noqa: S302  of our own making
        found = (dict(zip(self.read, values, strict=True)) for values in unpacked)
        return [filing for filing in found if filing[column] in names]


def filing_rows(rows: Given, read: Sequence[str]) -> list[Filing]:
    """Return rows of consignments as held values, by the names read."""
    columns = held_columns(rows, {name: FILED[name] for name in read}, FILING_ROWS)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class _Places:
    """The rows of each name in a table, by digest; a digest met by chance is sorted out by the caller."""

    def __init__(self, table: pa.Table, column: str) -> None:
        digests = [(digest(name)[0], i) for i, name in enumerate(table[column].to_pylist()) if name is not None]
        keys = np.array([key for key, _ in digests], np.uint64)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._at = np.array([at for _, at in digests], np.int64)[order]

    @property
    def bytes_held(self) -> int:
        return int(self._keys.nbytes + self._at.nbytes)

    def of(self, names: Iterable[str]) -> list[int]:
        keys = np.array([digest(name)[0] for name in names], np.uint64)
        starts = np.searchsorted(self._keys, keys, side="left").tolist()
        ends = np.searchsorted(self._keys, keys, side="right").tolist()
        return [at for start, end in zip(starts, ends, strict=True) for at in self._at[start:end].tolist()]


def chosen_filings(
    held: Filings, records: Sequence[Filing], wanted: Iterable[Wanted], parts: frozenset[str],
    texts: Mapping[str, str],
) -> dict[Wanted, Filing]:  # fmt: skip
    """Return for each document, moment and day asked the latest filing known; none for a document without one.

    `parts` names what is read of a filing: `houses` and `seals_changed` are worked out where asked; `texts` names the
    columns put into words.
    """
    asked = {one for one in wanted if one[0] is not None}
    documents = {str(document) for document, _, _ in asked}
    if not documents:
        return {}
    filed = _by_version([*held.of(documents), *(f for f in records if f["consignment_id"] in documents)])
    found = {one: filing for one in asked if (filing := _latest(filed.get(str(one[0]), ()), one)) is not None}
    if not found:
        return {}
    houses = _houses(held, records, found) if "houses" in parts else {}
    chosen = {}
    for one, filing in found.items():
        made = dict(filing) | {name: _worded(filing[text]) for name, text in texts.items()}
        made["houses"] = houses.get(one)
        if "seals_changed" in parts:
            made["seals_changed"] = _seals_changed(filing, filed[filing["consignment_id"]])
        chosen[one] = made
    return chosen


def _by_version(filings: Iterable[Filing]) -> dict[str, list[Filing]]:
    """Return the filings of each document, each version once, in order; of the same version the records' is taken."""
    versions: dict[str, dict[int, Filing]] = {}
    for filing in filings:
        versions.setdefault(filing["consignment_id"], {})[filing["version"]] = filing
    return {document: [own[version] for version in sorted(own)] for document, own in versions.items()}


def _latest(filings: Sequence[Filing], one: Wanted) -> Filing | None:
    return next((filing for filing in reversed(filings) if _is_known(filing, one)), None)


def _is_known(filing: Filing, one: Wanted) -> bool:
    _, moment, decided_on = one
    counted = filing["counted_on"]
    return max(filing["known_at"], filing["filed_at"]) <= moment and (counted is None or counted <= decided_on)


def _houses(held: Filings, records: Sequence[Filing], found: Mapping[Wanted, Filing]) -> dict[Wanted, int]:
    """Return for each filing that has a master document how many documents are known under it."""
    masters = {filing["master_document"] for filing in found.values()} - {None}
    under: dict[str, list[Filing]] = {}
    for filing in [*held.under(masters), *(f for f in records if f["master_document"] in masters)]:
        under.setdefault(filing["master_document"], []).append(filing)
    asked = {(filing["master_document"], one[2]) for one, filing in found.items()}
    since = {(master, day): _known_since(under[master], day) for master, day in asked if master is not None}
    return {
        one: bisect_right(since[filing["master_document"], one[2]], one[1])
        for one, filing in found.items()
        if filing["master_document"] is not None
    }


def _known_since(filings: Sequence[Filing], day: int) -> list[int]:
    """Return from when on each document is known that counts on that day, in order."""
    known: dict[str, int] = {}
    for filing in filings:
        if filing["counted_on"] is None or filing["counted_on"] <= day:
            since = max(filing["known_at"], filing["filed_at"])
            known[filing["consignment_id"]] = min(since, known.get(filing["consignment_id"], since))
    return sorted(known.values())


def _seals_changed(filing: Filing, versions: Sequence[Filing]) -> bool:
    """Tell whether the seals differ from those of the earliest version that states its containers."""
    if filing["version"] <= 1:
        return False
    latest = _seals(filing)
    earliest = next((seals for each in versions if (seals := _seals(each)) is not None), None)
    return latest is not None and earliest is not None and latest != earliest


def _seals(filing: Filing) -> list[str] | None:
    boxes = filing["containers"]
    if boxes is None:
        return None
    return sorted(seal for box in boxes for seal in (box["seals"] or ()) if seal is not None)


def _worded(text: str | None) -> str | None:
    return None if text is None else words(text)
