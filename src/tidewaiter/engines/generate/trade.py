"""A month's honest trade: who declares what, when, from where, and at what price it was truly bought."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from tidewaiter.engines.generate.calendar import DAY, Calendar, day_weights
from tidewaiter.engines.generate.country import OFFICES, UTC_OFFSET, load_goods, load_partners
from tidewaiter.engines.generate.schemes import Kind, Plan
from tidewaiter.engines.generate.streams import Streams, fraction, mixed
from tidewaiter.engines.generate.traders import SLOTS, Traders, origins_for

MAX_ITEMS = 30
MEAN_FURTHER_ITEMS = 1.5
SLOT_SHARES = np.array([0.45, 0.20, 0.13, 0.10, 0.07, 0.05])


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns of one length, row by row."""

    def take(self, rows: np.ndarray) -> Self:
        """Return those rows (positions or a mask)."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads(Frame):
    """What belongs to whole declarations, in the order of lodging.

    `number` counts declarations from 1 over the whole run; `lodged` is in seconds (UTC), `day` the local day. `flow`,
    `office`, `mode`, `currency` and `terms` are positions in country; `origin` and `hub` positions among the partners
    (hub -1: direct); `shipped_from_hub` tells whether the goods are declared as dispatched from the hub.
    """

    number: np.ndarray
    lodged: np.ndarray
    day: np.ndarray
    flow: np.ndarray
    office: np.ndarray
    mode: np.ndarray
    trader: np.ndarray
    broker: np.ndarray
    origin: np.ndarray
    supplier: np.ndarray
    hub: np.ndarray
    shipped_from_hub: np.ndarray
    currency: np.ndarray
    terms: np.ndarray
    items: np.ndarray

    def __len__(self) -> int:
        """Return the number of declarations."""
        return len(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Items(Frame):
    """What belongs to items: `head` is the row of the declaration, `net` in kg and `price` in USD per kg are true."""

    head: np.ndarray
    number: np.ndarray
    good: np.ndarray
    origin: np.ndarray
    net: np.ndarray
    quantity: np.ndarray
    price: np.ndarray

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What is to be drawn: the days (first, day after the last), its number, its items and the first serial number."""

    index: int
    start: int
    end: int
    items: int
    serial: int


def draw(streams: Streams, calendar: Calendar, month: Month, traders: Traders, plan: Plan) -> tuple[Heads, Items]:
    """Return the honest trade of one month, with exactly the items asked for."""
    rng = streams.of("trade", month.index)
    count = int(month.items / (1 + MEAN_FURTHER_ITEMS) * 1.25) + 40
    trader = _who(rng, month, traders, count)
    split = np.isin(traders.scheme[trader], plan.of_kind(Kind.SPLIT))
    items = np.where(split, 1, _item_counts(rng, count))
    enough = int(np.searchsorted(np.cumsum(items), month.items)) + 1
    trader, items, split = trader[:enough], items[:enough].copy(), split[:enough]
    items[-1] -= items.sum() - month.items
    day = _when(rng, calendar, month, traders, trader, split)
    second = np.clip(rng.normal(11.5, 2.4, enough), 0.2, 23.7) * 3600
    lodged = day * DAY + second.astype(np.int64) - UTC_OFFSET
    order = np.argsort(lodged, kind="stable")
    heads = _heads(rng, month, traders, trader[order], day[order], lodged[order], items[order], plan)
    return heads, _items(streams.of("goods", month.index), traders, heads)


def _who(rng: np.random.Generator, month: Month, traders: Traders, count: int) -> np.ndarray:
    """Return the trader of each declaration, in proportion to size and to the days alive in the month."""
    alive = np.minimum(traders.died + 1, month.end) - np.maximum(traders.born, month.start)
    edges = np.cumsum(traders.weight * np.maximum(alive, 0))
    who: np.ndarray = np.minimum(np.searchsorted(edges, rng.random(count) * edges[-1], side="right"), len(traders) - 1)
    return who


def _item_counts(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return 1 to 30 items a declaration, 2.5 on average, most of them few."""
    return 1 + np.minimum(rng.poisson(rng.gamma(0.6, MEAN_FURTHER_ITEMS / 0.6, count)), MAX_ITEMS - 1)


def _when(
    rng: np.random.Generator, calendar: Calendar, month: Month, traders: Traders, trader: np.ndarray, split: np.ndarray
) -> np.ndarray:
    """Return the day of each declaration, within its trader's life; split consignments come in bursts."""
    days = np.arange(month.start, month.end)
    busy = day_weights(days, calendar.first)
    day = rng.choice(days, len(trader), p=busy / busy.sum())
    bursts = month.start + (day - month.start) // 10 * 10 + trader % 5
    day = np.where(split, np.minimum(bursts, month.end - 1), day)
    earliest = np.maximum(traders.born[trader], month.start)
    latest = np.minimum(traders.died[trader], month.end - 1)
    return np.clip(day, earliest, latest)


def _heads(
    rng: np.random.Generator,
    month: Month,
    traders: Traders,
    trader: np.ndarray,
    day: np.ndarray,
    lodged: np.ndarray,
    items: np.ndarray,
    plan: Plan,
) -> Heads:
    """Return the declarations with everything but their items."""
    count = len(trader)
    honest = traders.scheme[trader] < 0
    flow = np.where(honest, rng.choice(3, count, p=[0.86, 0.11, 0.03]), 0)
    slot = rng.choice(SLOTS, count, p=SLOT_SHARES)
    good = traders.goods[trader, slot]
    usual = ~honest | (rng.random(count) < 0.88)
    origin = np.where(usual, traders.origins[trader, slot], origins_for(rng, good))
    mode = _modes(rng, good)
    supplier = mixed(traders.kin[trader], good, 7) % np.uint64(plan.supplier_pool)
    elsewhere = honest & (rng.random(count) < 0.12)
    supplier = np.where(elsewhere, rng.integers(0, plan.supplier_pool, count), supplier.astype(np.int64))
    hub = _hubs(rng, origin, mode)
    return Heads(
        number=month.serial + np.arange(count),
        lodged=lodged,
        day=day,
        flow=flow,
        office=_office_of(rng, traders, trader, mode),
        mode=mode,
        trader=trader,
        broker=_broker_of(rng, traders, trader, plan.brokers),
        origin=origin,
        supplier=origin * plan.supplier_pool + supplier,
        hub=hub,
        shipped_from_hub=(hub >= 0) & (rng.random(count) < 0.4),
        currency=np.where(rng.random(count) < 0.5, load_partners().currency[origin], 0),
        terms=rng.choice(4, count, p=[0.42, 0.33, 0.15, 0.10]),
        items=items,
    )


def _modes(rng: np.random.Generator, good: np.ndarray) -> np.ndarray:
    """Return 1 (air) mostly for what is small and dear, else 0 (sea)."""
    goods = load_goods()
    light = (goods.shipment_kg < 1_500) | (goods.price > 60)
    return (rng.random(len(good)) < np.where(light[good], 0.82, 0.05)).astype(np.int64)


def _hubs(rng: np.random.Generator, origin: np.ndarray, mode: np.ndarray) -> np.ndarray:
    """Return the hub at which goods change ship, or -1."""
    hub = rng.choice(load_partners().hubs, len(origin), p=[0.35, 0.15, 0.15, 0.35])
    direct = (mode == 1) | (hub == origin) | (rng.random(len(origin)) > 0.3)
    return np.where(direct, -1, hub)


def _office_of(rng: np.random.Generator, traders: Traders, trader: np.ndarray, mode: np.ndarray) -> np.ndarray:
    """Return the office: the trader's usual one of the mode, now and then another of that mode."""
    usual = np.where(mode == 0, traders.sea_office[trader], traders.air_office[trader])
    sea = sum(office.mode == 0 for office in OFFICES)
    other = np.where(mode == 0, rng.integers(0, sea, len(mode)), rng.integers(sea, len(OFFICES), len(mode)))
    return np.where(rng.random(len(mode)) < 0.08, other, usual)


def _broker_of(rng: np.random.Generator, traders: Traders, trader: np.ndarray, brokers: int) -> np.ndarray:
    """Return the broker: the usual one, now and then another."""
    away = (rng.random(len(trader)) < 0.05) & (traders.scheme[trader] < 0)
    return np.where(away, rng.integers(0, brokers, len(trader)), traders.broker[trader])


def _items(rng: np.random.Generator, traders: Traders, heads: Heads) -> Items:
    """Return the items of the declarations, in order."""
    head = np.repeat(np.arange(len(heads)), heads.items)
    starts = np.cumsum(heads.items) - heads.items
    number = np.arange(len(head)) - starts[head] + 1
    good = _goods_of(rng, traders, heads, head)
    origin = heads.origin[head]
    net, quantity = _amounts(rng, traders, heads, head, good)
    return Items(
        head=head,
        number=number,
        good=good,
        origin=origin,
        net=net,
        quantity=quantity,
        price=_prices(rng, traders, heads.trader[head], good, origin),
    )


def _goods_of(rng: np.random.Generator, traders: Traders, heads: Heads, head: np.ndarray) -> np.ndarray:
    """Return the good of each item: of the trader's habit, and one the declaration's origin supplies."""
    trader, shares = heads.trader[head], load_goods().origins
    origin = heads.origin[head]
    matching = np.argmax(traders.origins[heads.trader] == heads.origin[:, None], axis=1)[head]
    slot = np.where(rng.random(len(head)) < 0.65, matching, rng.choice(SLOTS, len(head), p=SLOT_SHARES))
    good = traders.goods[trader, slot]
    odd = (rng.random(len(head)) < 0.02) & (traders.scheme[trader] < 0)
    good = np.where(odd, rng.integers(0, len(shares), len(head)), good)
    return np.where(shares[good, origin] > 0, good, traders.goods[trader, matching])


def _amounts(
    rng: np.random.Generator, traders: Traders, heads: Heads, head: np.ndarray, good: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return true net mass in kg and quantity in the good's unit; goods counted in pieces come in whole ones."""
    goods = load_goods()
    size = np.clip(traders.weight[heads.trader[head]], 0.3, 30) ** 0.2
    air = np.where((heads.mode[head] == 1) & (goods.shipment_kg[good] > 1_500), 0.06, 1.0)
    mass = goods.shipment_kg[good] * air * size / np.sqrt(heads.items[head]) * np.exp(rng.normal(-0.6, 0.8, len(head)))
    whole = np.array([unit != "KG" for unit in goods.unit])[good]
    quantity = np.where(whole, np.maximum(np.round(mass / goods.kg_per_unit[good]), 1), mass)
    net = quantity * goods.kg_per_unit[good] * np.where(whole, np.exp(rng.normal(0, 0.04, len(head))), 1)
    step = np.where(net > 100, 1.0, 0.01)
    net = np.maximum(np.round(net / step) * step, 0.01)
    return net, np.where(whole, quantity, net)


def _prices(
    rng: np.random.Generator, traders: Traders, trader: np.ndarray, good: np.ndarray, origin: np.ndarray
) -> np.ndarray:
    """Return true prices in USD per kg: lognormal about the level of good, origin and trader; honest outliers too."""
    goods, partners = load_goods(), load_partners()
    habit = (fraction(traders.kin[trader], good, 11) - 0.5) * goods.spread[good]
    noise = rng.normal(0, 1, len(good)) * goods.spread[good] * 0.7
    outlier = np.where(rng.random(len(good)) < 0.03, rng.normal(0, 0.7, len(good)), 0)
    level = goods.price[good] * partners.level[origin]
    prices: np.ndarray = level * np.exp(traders.level[traders.kin[trader]] + habit + noise + outlier)
    return prices
