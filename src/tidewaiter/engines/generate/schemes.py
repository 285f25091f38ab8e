"""The planted schemes: who, what, when, and how. They are settled before any trade is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from tidewaiter.engines.generate.calendar import Calendar
from tidewaiter.engines.generate.country import OFFICES, RELIEFS, load_goods, load_partners
from tidewaiter.engines.generate.names import Companies, codes, companies
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.traders import SLOTS, Traders, broker_count, enrolled, supplier_pool

ITEMS_PER_INSTANCE = 50_000
FEWEST_GANGS = 3
OPPORTUNIST = "OPP"
"""Scheme id of irregularities nobody planned: single traders who try it now and then."""


class Kind(StrEnum):
    """What a scheme does."""

    UNDERVALUATION = "undervaluation"
    MISCLASSIFICATION = "misclassification"
    ORIGIN = "origin fraud"
    SMUGGLING = "smuggling"
    RELIEF = "relief abuse"
    SPLIT = "split consignments"
    SHELL = "shell successors"
    COLLUSION = "collusion"
    SHIFT = "shifting method"
    OPPORTUNISM = "opportunism"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How schemes of one kind are made.

    `share` is the part of all declarations that members lodge, `rate` the part of these that is irregular, `low` and
    `high` bound what is declared of the true value (or mass), `variants` are goods (the first code of each is true,
    after a slash the one declared), an origin, and what is hidden.
    """

    kind: Kind
    prefix: str
    share: float
    members: int
    rate: float
    low: float
    high: float
    variants: tuple[tuple[str, str, str], ...]


RECIPES = (
    Recipe(
        kind=Kind.UNDERVALUATION, prefix="UV", share=0.017, members=5, rate=0.7, low=0.35, high=0.6,
        variants=(
            ("640299 610910 620342 640399", "CN", ""),
            ("852872 851821 841510 851660", "CN", ""),
            ("401110 870899 870830", "CN", ""),
            ("330499 420292 650500 611030", "CN", ""),
        ),
    ),
    Recipe(
        kind=Kind.MISCLASSIFICATION, prefix="MC", share=0.009, members=3, rate=0.65, low=1, high=1,
        variants=(
            ("640399/640690", "CN", ""),
            ("841510/841590", "CN", ""),
            ("871160/871499", "CN", ""),
            ("870322/870899", "JP", ""),
        ),
    ),
    Recipe(
        kind=Kind.ORIGIN, prefix="OR", share=0.009, members=3, rate=0.75, low=1, high=1,
        variants=(("690721", "CN", "MY"), ("871200", "CN", "MY"), ("401120 730630", "CN", "MY")),
    ),
    Recipe(
        kind=Kind.SMUGGLING, prefix="SM", share=0.0016, members=6, rate=0.6, low=1, high=1,
        variants=(
            ("080390", "EC", "DRUGS"),
            ("440290", "ID", "CITES"),
            ("630900", "US", "ARMS"),
            ("170199", "BR", "DRUGS"),
            ("200290", "TR", "OTHER_PROHIBITED"),
        ),
    ),
    Recipe(
        kind=Kind.RELIEF, prefix="RE", share=0.006, members=3, rate=0.7, low=1, high=1,
        variants=(("851713 852872", "CN", "C30"), ("870323", "JP", "D20"), ("940360 940161", "VN", "C30")),
    ),
    Recipe(
        kind=Kind.SPLIT, prefix="SP", share=0.006, members=3, rate=0.9, low=1, high=1,
        variants=(("851713", "CN", "L10"), ("330300", "FR", "L10"), ("910211", "CN", "L10")),
    ),
    Recipe(
        kind=Kind.SHELL, prefix="SH", share=0.004, members=3, rate=0.8, low=0.4, high=0.65,
        variants=(("620342 610510", "BD", ""), ("830140 820559", "CN", ""), ("330510 340250", "TR", "")),
    ),
    Recipe(
        kind=Kind.COLLUSION, prefix="CO", share=0.008, members=6, rate=0.5, low=0.4, high=0.7,
        variants=(("940171 940511 732393", "CN", ""), ("848180 841370", "IT", ""), ("551321 540752", "CN", "")),
    ),
    Recipe(
        kind=Kind.SHIFT, prefix="SW", share=0.008, members=4, rate=0.75, low=0.35, high=0.55,
        variants=(("691010 701337", "CN", "MY"), ("940421 392410", "CN", "MY"), ("950300 950691", "CN", "MY")),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One planted scheme.

    Days are since 1970 and inclusive; `members` are positions among the traders, in the order of joining. `goods` are
    traded, `declared` (same length) is what they are declared as. `declared_origin` is a partner's position, -1 when
    the true one is declared; `relief` a position in country.RELIEFS or -1. `shifts_on` is the day the method changes.
    """

    scheme_id: str
    kind: Kind
    members: tuple[int, ...]
    starts_on: int
    ends_on: int
    goods: tuple[int, ...]
    declared: tuple[int, ...]
    origin: int
    declared_origin: int
    broker: int
    office: int
    rate: float
    low: float
    high: float
    relief: int = -1
    category: str = ""
    shifts_on: int | None = None
    officer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All schemes of a run, with the number of brokers and of suppliers in each country."""

    schemes: tuple[Scheme, ...]
    brokers: int
    supplier_pool: int

    def of_kind(self, kind: Kind) -> np.ndarray:
        """Return the positions of the schemes of a kind."""
        return np.array([at for at, scheme in enumerate(self.schemes) if scheme.kind is kind], dtype=np.int64)


def plan(streams: Streams, calendar: Calendar, items: int, honest: Traders) -> tuple[Plan, Traders]:
    """Return the schemes, and all traders: the honest ones followed by the members of schemes."""
    alive = np.minimum(honest.died, calendar.last) - np.maximum(honest.born, calendar.first) + 1
    turnover = float((honest.weight * np.maximum(alive, 0)).sum())
    traders = honest
    schemes: list[Scheme] = []
    for recipe, instance, of in _instances(items):
        rng = streams.of(f"scheme {recipe.kind}", instance)
        scheme = _scheme(rng, calendar, recipe, instance, len(traders), broker_count(items))
        newcomers = _members(rng, calendar, scheme, len(schemes), turnover * recipe.share / of)
        traders = enrolled(traders, newcomers)
        schemes.append(scheme)
    drawn = codes(streams.of("codes"), "T", len(traders))
    traders = replace(traders, companies=replace(traders.companies, code=drawn))
    return Plan(schemes=tuple(schemes), brokers=broker_count(items), supplier_pool=supplier_pool(items)), traders


def _instances(items: int) -> Iterator[tuple[Recipe, int, int]]:
    """Yield each recipe with the instance's number and how many there are; larger runs have more."""
    for recipe in RECIPES:
        fewest = FEWEST_GANGS if recipe.kind is Kind.SMUGGLING else 1
        of = min(max(fewest, items // ITEMS_PER_INSTANCE), len(recipe.variants))
        for instance in range(of):
            yield recipe, instance, of


def _scheme(
    rng: np.random.Generator, calendar: Calendar, recipe: Recipe, instance: int, at: int, brokers: int
) -> Scheme:
    """Return one scheme, its members to stand from position `at` on."""
    words, origin, hidden = recipe.variants[instance]
    goods, partners = load_goods(), load_partners()
    pairs = [code.split("/") for code in words.split()]
    starts, ends = calendar.share(rng.uniform(0, 0.2)), _end(rng, calendar)
    scheme = Scheme(
        scheme_id=f"{recipe.prefix}{instance + 1:02d}",
        kind=recipe.kind,
        members=tuple(range(at, at + _member_count(recipe, brokers))),
        starts_on=starts,
        ends_on=ends,
        goods=tuple(goods.at(pair[0]) for pair in pairs),
        declared=tuple(goods.at(pair[-1]) for pair in pairs),
        origin=partners.at(origin),
        declared_origin=partners.at(hidden) if hidden in partners.country else -1,
        broker=int(rng.integers(3, brokers)),
        office=int(rng.integers(0, 3)),
        rate=recipe.rate,
        low=recipe.low,
        high=recipe.high,
        relief=RELIEFS.index(hidden) if hidden in RELIEFS else -1,
        category=hidden if recipe.kind is Kind.SMUGGLING else "",
    )
    return _with_turns(rng, calendar, scheme)


def _end(rng: np.random.Generator, calendar: Calendar) -> int:
    """Return the last day of a scheme: in the last months of the period, or later for two schemes of three."""
    within = calendar.share(rng.uniform(0.8, 1))
    return calendar.last + 60 if rng.random() < 0.67 else within


def _with_turns(rng: np.random.Generator, calendar: Calendar, scheme: Scheme) -> Scheme:
    """Return the scheme with its day of change, or its officer, where its kind has one."""
    match scheme.kind:
        case Kind.SHIFT:
            return replace(scheme, shifts_on=calendar.share(rng.uniform(0.5, 0.7)))
        case Kind.COLLUSION:
            return replace(scheme, officer=1)
        case Kind.SMUGGLING:
            return replace(scheme, starts_on=calendar.first, ends_on=calendar.last + 60)
        case _:
            return scheme


def _member_count(recipe: Recipe, brokers: int) -> int:
    """Return how many companies take part; a smugglers' gang grows with the trade it hides in."""
    return recipe.members if recipe.kind is not Kind.SMUGGLING else recipe.members + brokers // 4


def _members(rng: np.random.Generator, calendar: Calendar, scheme: Scheme, position: int, turnover: float) -> Traders:
    """Return the companies of a scheme; their size makes up the turnover (weight times days) it is to have."""
    count = len(scheme.members)
    born, died = _lives(rng, calendar, scheme, count)
    days = np.minimum(died, calendar.last) - np.maximum(born, calendar.first) + 1
    slots = np.resize(np.array(scheme.goods), SLOTS)
    return Traders(
        companies=_register(rng, scheme, count),
        weight=np.full(count, turnover / days.sum()),
        born=born,
        died=died,
        goods=np.tile(slots, (count, 1)),
        origins=np.full((count, SLOTS), scheme.origin),
        broker=np.full(count, scheme.broker),
        sea_office=np.full(count, scheme.office),
        air_office=rng.integers(3, len(OFFICES), count),
        trusted=np.full(count, -1),
        laxness=np.ones(count),
        level=rng.normal(0, 0.05, count),
        kin=np.full(count, scheme.members[0]) if scheme.kind is Kind.SHELL else np.array(scheme.members),
        scheme=np.full(count, position),
    )


def _lives(rng: np.random.Generator, calendar: Calendar, scheme: Scheme, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last days: smugglers live for weeks, a shell begins when its forerunner is exposed."""
    match scheme.kind:
        case Kind.SMUGGLING:
            born = np.sort(rng.integers(calendar.first, calendar.last - 5, count))
            return born, born + rng.integers(15, 60, count)
        case Kind.SHELL:
            cuts = np.linspace(scheme.starts_on, min(scheme.ends_on, calendar.last), count + 1).astype(np.int64)
            cuts[-1] = scheme.ends_on
            gaps = np.minimum(rng.integers(5, 20, count), np.diff(cuts) // 2)
            return cuts[:-1] + np.where(np.arange(count) > 0, gaps, 0), np.maximum(cuts[1:] - 1, cuts[:-1] + 1)
        case _:
            born = np.full(count, scheme.starts_on) - rng.integers(0, 300, count)
            return born, np.full(count, scheme.ends_on + 60)


def _register(rng: np.random.Generator, scheme: Scheme, count: int) -> Companies:
    """Return codes, names and addresses; shells share one address."""
    own = companies(rng, "", count)
    return replace(own, address=own.address[:1] * count) if scheme.kind is Kind.SHELL else own
