"""Who trades: national companies of very different sizes and life spans, their brokers and foreign suppliers."""

from dataclasses import dataclass, replace

import numpy as np

from tidewaiter.engines.generate.calendar import Calendar
from tidewaiter.engines.generate.country import OFFICES, load_goods, load_partners
from tidewaiter.engines.generate.names import Companies, addresses, codes, companies, company_names
from tidewaiter.engines.generate.streams import Streams

SLOTS = 6
ITEMS_PER_TRADER = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Traders:
    """National companies by position.

    `born` and `died` are days (since 1970; both inclusive). `goods` and `origins` hold up to SLOTS habitual goods and
    where each is bought. `kin` is the position whose suppliers and price level the trader uses: its own, but for a
    successor company its forerunner's. `laxness` scales the chance of unplanned irregularities (mean 1).
    `scheme` is the position of the scheme the trader belongs to, or -1.
    `trusted` is a position in country.TRUSTED or -1; `broker` a position among the brokers or -1 (declares itself).
    """

    companies: Companies
    weight: np.ndarray
    born: np.ndarray
    died: np.ndarray
    goods: np.ndarray
    origins: np.ndarray
    broker: np.ndarray
    sea_office: np.ndarray
    air_office: np.ndarray
    trusted: np.ndarray
    laxness: np.ndarray
    level: np.ndarray
    kin: np.ndarray
    scheme: np.ndarray

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.weight)


def honest_traders(streams: Streams, calendar: Calendar, items: int) -> Traders:
    """Return the traders who belong to no scheme; their number grows with the items to be made."""
    count = max(60, items // ITEMS_PER_TRADER)
    rng = streams.of("traders")
    weight = rng.pareto(1.15, count) + 0.15
    weight = np.minimum(weight, np.quantile(weight, 0.98) * 1.5)
    born, died = _life_spans(rng, calendar, count)
    large = weight > np.quantile(weight, 0.93)
    goods, origins = habits(streams.of("habits"), count)
    return Traders(
        companies=companies(streams.of("names"), "T", count),
        weight=weight,
        born=np.where(large, calendar.first - 2_000, born),
        died=np.where(large, calendar.last + 400, died),
        goods=goods,
        origins=origins,
        broker=np.where(rng.random(count) < 0.08, -1, _brokers_of(rng, count, broker_count(items))),
        sea_office=_offices(rng, count, 0),
        air_office=_offices(rng, count, 1),
        trusted=np.where(large & (rng.random(count) < 0.55), rng.integers(0, 2, count), -1),
        laxness=rng.gamma(0.4, 2.5, count),
        level=rng.normal(0, 0.07, count),
        kin=np.arange(count),
        scheme=np.full(count, -1),
    )


def _life_spans(rng: np.random.Generator, calendar: Calendar, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last days of trade: three in ten start, one in ten stops within the period."""
    span = calendar.last - calendar.first
    new = rng.random(count) < 0.3
    born = np.where(new, calendar.first + rng.integers(0, span, count), calendar.first - 1_000)
    stops = rng.random(count) < 0.1
    died = np.where(stops, born + rng.integers(30, 400, count), calendar.last + 400)
    return born, np.maximum(died, calendar.first + 20)


def _brokers_of(rng: np.random.Generator, count: int, brokers: int) -> np.ndarray:
    """Return the broker of each trader: few brokers have most clients."""
    shares = 1 / np.arange(1, brokers + 1) ** 0.8
    return rng.choice(brokers, count, p=shares / shares.sum())


def _offices(rng: np.random.Generator, count: int, mode: int) -> np.ndarray:
    """Return the usual office of each trader for one mode."""
    offered = [position for position, office in enumerate(OFFICES) if office.mode == mode]
    return rng.choice(offered, count, p=[OFFICES[position].share for position in offered])


def habits(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the habitual goods of each trader, mostly of one sector, and the origin each is bought from."""
    goods = load_goods()
    main = rng.integers(0, len(goods.hs), count)
    picked = np.empty((count, SLOTS), dtype=np.int64)
    picked[:, 0] = main
    for slot in range(1, SLOTS):
        same = rng.random(count) < 0.85
        picked[:, slot] = np.where(same, _same_sector(rng, goods.sector, main), rng.integers(0, len(goods.hs), count))
    return picked, origins_for(rng, picked)


def _same_sector(rng: np.random.Generator, sector: np.ndarray, main: np.ndarray) -> np.ndarray:
    """Return for each good another of its sector (or itself)."""
    order = np.argsort(sector, kind="stable")
    starts = np.searchsorted(sector[order], sector[main], side="left")
    ends = np.searchsorted(sector[order], sector[main], side="right")
    others: np.ndarray = order[starts + (rng.random(len(main)) * (ends - starts)).astype(np.int64)]
    return others


def origins_for(rng: np.random.Generator, goods: np.ndarray) -> np.ndarray:
    """Return for each good (any shape) an origin drawn by the shares of its supply."""
    edges = np.cumsum(load_goods().origins, axis=1)
    edges[:, -1] = 1.0
    flat = goods.ravel()
    origins: np.ndarray = (rng.random(len(flat))[:, None] >= edges[flat]).sum(axis=1).reshape(goods.shape)
    return origins


def broker_count(items: int) -> int:
    """Return how many brokers there are."""
    return max(12, int((items // ITEMS_PER_TRADER) ** 0.7))


def brokers(streams: Streams, items: int) -> Companies:
    """Return the brokers."""
    rng = streams.of("brokers")
    count = broker_count(items)
    named = company_names(rng, count)
    return Companies(
        code=codes(rng, "B", count),
        name=tuple(name.replace(" Ltd", " Clearing Ltd") for name in named),
        address=addresses(rng, count),
    )


def supplier_pool(items: int) -> int:
    """Return how many suppliers each partner country has."""
    return max(8, items // 12_000)


def suppliers(streams: Streams, items: int) -> Companies:
    """Return the foreign suppliers, pool after pool in the order of the partner countries."""
    rng = streams.of("suppliers")
    pool, towns = supplier_pool(items), load_partners().town
    count = pool * len(towns)
    where = tuple(address for town in towns for address in addresses(rng, pool, towns=(town,)))
    return Companies(code=codes(rng, "F", count), name=company_names(rng, count, foreign=True), address=where)


def enrolled(traders: Traders, more: Traders) -> Traders:
    """Return the traders followed by more; `kin` of the newcomers already counts over both."""
    merged = {
        name: np.concatenate([getattr(traders, name), getattr(more, name)])
        for name in Traders.__dataclass_fields__
        if name != "companies"
    }
    both = Companies(
        code=traders.companies.code + more.companies.code,
        name=traders.companies.name + more.companies.name,
        address=traders.companies.address + more.companies.address,
    )
    return replace(traders, companies=both, **merged)
