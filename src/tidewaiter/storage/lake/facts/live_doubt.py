"""What Python might answer otherwise than DuckDB is asked of DuckDB, once for each text."""

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

import duckdb

from tidewaiter.core.administration import Administration
from tidewaiter.storage.lake.facts.items import settle
from tidewaiter.storage.lake.facts.live_functions import Settings
from tidewaiter.storage.lake.facts.live_shapes import Column

_REMEMBERED = 200_000


class Doubts:
    """A connection to ask, and the answers given."""

    def __init__(self, administration: Administration) -> None:
        """Open an empty database with the administration's settings and our functions."""
        self._connection = duckdb.connect(config={"memory_limit": "100MB", "threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")
        settle(self._connection, administration)
        self._places: dict[str, str | None] = {}
        self.midnight = cache(self._midnight)
        self.settings = Settings(
            administration.currency, administration.time_zone, self.places_of, cache(self._whole), self._connection
        )

    def places_of(self, addresses: Column) -> Column:
        """Return the words of each address by which places are told apart."""
        places = self._places
        unknown = {address for address in addresses if address not in places and address is not None}
        if unknown:
            if len(places) > _REMEMBERED:
                places.clear()
                unknown = set(addresses) - {None}
            plain = [address for address in unknown if address.isascii()]
            places.update((address, _plain_place(address)) for address in plain)
            self._ask_places(unknown.difference(plain))
        return [None if address is None else places[address] for address in addresses]

    def _ask_places(self, addresses: Iterable[str]) -> None:
        if listed := list(addresses):
            query = "SELECT address, place_of(address) FROM (SELECT unnest(?) AS address)"
            self._places.update(self._connection.execute(query, [listed]).fetchall())

    def _whole(self, text: str) -> int | None:
        found: int | None = self._one("SELECT TRY_CAST(CAST(? AS VARCHAR) AS BIGINT)", text)
        return found

    def _midnight(self, day: date) -> int:
        """Return the microseconds at which the day begins."""
        return int(self._one("SELECT epoch_us(timezone(getvariable('zone'), CAST(CAST(? AS DATE) AS TIMESTAMP)))", day))

    def _one(self, query: str, value: object) -> Any:
        ((found,),) = self._connection.execute(query, [value]).fetchall()
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _plain_place(address: str) -> str | None:
    """Return the words of an address without accents, as the macro place_of does."""
    return " ".join(_APART.split(address.lower())).strip() or None


_APART = re.compile("[^a-z0-9]+")
