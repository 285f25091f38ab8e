"""What Python might answer otherwise than DuckDB is asked of DuckDB, once for each text."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

import duckdb

from tidewaiter.core.administration import Administration
from tidewaiter.storage.lake.facts.items import settle
from tidewaiter.storage.lake.facts.live_functions import Settings

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
        self.settings = Settings(administration.currency, administration.time_zone, self.place_of, cache(self._whole))

    def place_of(self, address: str) -> str | None:
        """Return the words of an address by which places are told apart."""
        if address.isascii():
            return " ".join("".join(c if c.isalnum() else " " for c in address.lower()).split()) or None
        if address not in self._places:
            self.remember_places((address,))
        return self._places[address]

    def remember_places(self, addresses: Iterable[str | None]) -> None:
        """Ask for all these addresses at once, so that none is asked for alone."""
        unknown = [address for address in set(addresses)
                   if address is not None and not address.isascii() and address not in self._places]  # fmt: skip
        if not unknown:
            return
        if len(self._places) > _REMEMBERED:
            self._places.clear()
        found = self._connection.execute("SELECT t, place_of(t) FROM (SELECT unnest(?) AS t)", [unknown]).fetchall()
        self._places.update(found)

    def _whole(self, text: str) -> int | None:
        found: int | None = self._one("SELECT TRY_CAST(CAST(? AS VARCHAR) AS BIGINT)", text)
        return found

    def _midnight(self, day: date) -> int:
        """Return the microseconds at which the day begins."""
        return int(self._one("SELECT epoch_us(timezone(getvariable('zone'), CAST(CAST(? AS DATE) AS TIMESTAMP)))", day))

    def _one(self, query: str, value: object) -> Any:
        row = self._connection.execute(query, [value]).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
