"""The past policy: the criteria of the system in use, some of them poor, its random sample, re-routes and officers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tidewaiter.core.channel import Channel
from tidewaiter.engines.generate.country import OFFICES, load_goods, load_partners
from tidewaiter.engines.generate.declarations import Lodged
from tidewaiter.engines.generate.schemes import Plan
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.trade import Frame
from tidewaiter.engines.generate.traders import Traders
from tidewaiter.engines.generate.words import load_vocabulary

CHANNELS = tuple(Channel)
GREEN, BLUE, YELLOW, ORANGE, RED = range(len(CHANNELS))
TRUSTED_FACTOR = 0.3
"""What the percentages of criteria are multiplied by for trusted traders."""
TRUSTED_RANDOM_SHARE = 0.005
NOT_INSPECTED = {YELLOW: 0.14, ORANGE: 0.05, RED: 0.05}
"""Chance that a selected declaration of a channel is released without being inspected."""
REROUTES = ((YELLOW, RED, 0.015), (RED, YELLOW, 0.01), (GREEN, RED, 0.0008), (ORANGE, RED, 0.03))
REROUTE_REASONS = ("information received", "no officer free", "documents complete", "image unclear")
COLLUSION_SHARE = 0.85
"""Share of the colluding broker's examinations that go to the colluding officer."""
NEW_TRADER_DAYS = 40
WATCH_MONTHS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Frame):
    """What the past policy decided of each declaration.

    `channel` and `rerouted` (-1: not) are positions in CHANNELS, `criterion` in CRITERIA (-1: none, as where the random
    sample alone selected); `probability` is that of being selected before any re-route; `officer` counts within the
    office.
    """

    channel: np.ndarray
    criterion: np.ndarray
    probability: np.ndarray
    in_random: np.ndarray
    rerouted: np.ndarray
    reason: np.ndarray
    officer: np.ndarray
    inspected: np.ndarray

    @property
    def final(self) -> np.ndarray:
        """Return the channel after re-routes."""
        return np.where(self.rerouted >= 0, self.rerouted, self.channel)

    @property
    def examined(self) -> np.ndarray:
        """Tell which declarations were to be examined."""
        return self.final >= YELLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What criteria look at: the declarations, their traders, and who is on the watch list this month."""

    lodged: Lodged
    traders: Traders
    watched: np.ndarray

    def chapter(self, *codes: str) -> np.ndarray:
        """Tell which items are declared under these leading digits."""
        hit = np.array([hs.startswith(codes) for hs in load_goods().hs])
        hits: np.ndarray = hit[self.lodged.declared.good]
        return hits

    def origin(self, *countries: str) -> np.ndarray:
        """Tell which items are declared of these origins."""
        return np.isin(self.lodged.declared.origin, [load_partners().at(country) for country in countries])

    def of_heads(self, flags: np.ndarray) -> np.ndarray:
        """Return flags of declarations for their items."""
        flagged: np.ndarray = flags[self.lodged.items.head]
        return flagged


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion: its code, meaning, channel, the chance with which it fires, and which items it applies to."""

    code: str
    meaning: str
    channel: int
    chance: float
    applies: Callable[[Seen], np.ndarray]


def _cheap(seen: Seen) -> np.ndarray:
    """Tell which items are far below the mean price of their good, whatever the origin."""
    goods, figures = load_goods(), seen.lodged.figures
    cheap: np.ndarray = figures.value / np.maximum(figures.net, 1) * 10 < 0.5 * goods.price[seen.lodged.declared.good]
    return cheap


def _new(seen: Seen) -> np.ndarray:
    """Tell which items are of importers new to the register."""
    heads = seen.lodged.heads
    return seen.of_heads(heads.day - seen.traders.born[heads.trader] < NEW_TRADER_DAYS)


CRITERIA = (
    Criterion(code="W300", meaning="importer on the watch list after a finding", channel=RED, chance=0.25,
              applies=lambda seen: seen.of_heads(seen.watched[seen.lodged.heads.trader])),
    Criterion(code="C114", meaning="worn clothing", channel=RED, chance=0.35,
              applies=lambda seen: seen.chapter("6309")),
    Criterion(code="C140", meaning="unit value below half the mean of the good", channel=RED, chance=0.3,
              applies=_cheap),
    Criterion(code="C131", meaning="importer first registered within 40 days", channel=RED, chance=0.15,
              applies=_new),
    Criterion(code="C200", meaning="origin AE (poor: kept from an old case)", channel=RED, chance=0.04,
              applies=lambda seen: seen.origin("AE")),
    Criterion(code="C155", meaning="telephones and network apparatus", channel=ORANGE, chance=0.08,
              applies=lambda seen: seen.chapter("8517")),
    Criterion(code="C210", meaning="fruit, sugar and charcoal by sea", channel=ORANGE, chance=0.08,
              applies=lambda seen: seen.chapter("0803", "1701", "4402")),
    Criterion(code="C120", meaning="vague description", channel=YELLOW, chance=0.2,
              applies=lambda seen: seen.lodged.words >= load_vocabulary().vague),
    Criterion(code="C162", meaning="relief claimed", channel=YELLOW, chance=0.3,
              applies=lambda seen: seen.lodged.figures.relief >= 0),
    Criterion(code="C190", meaning="preference claimed, origin MY or TR", channel=YELLOW, chance=0.12,
              applies=lambda seen: seen.lodged.declared.preference & seen.origin("MY", "TR")),
    Criterion(code="C101", meaning="footwear and clothing of CN or BD (poor: most of it is honest)", channel=YELLOW,
              chance=0.07, applies=lambda seen: seen.chapter("61", "62", "64") & seen.origin("CN", "BD")),
    Criterion(code="C180", meaning="food of animal origin (poor: the veterinary service looks anyway)", channel=YELLOW,
              chance=0.06, applies=lambda seen: seen.chapter("02", "03", "04")),
    Criterion(code="B400", meaning="vehicles: referred to post-clearance audit", channel=BLUE, chance=0.2,
              applies=lambda seen: seen.chapter("87")),
)  # fmt: skip


def officer_count(items: int, office: int) -> int:
    """Return how many officers examine at an office."""
    return max(4, int(items / 60_000 * OFFICES[office].share) + 2)


def select(streams: Streams, month: int, plan: Plan, seen: Seen, officers: np.ndarray) -> Selection:
    """Return what the past policy made of a month's declarations; `officers` is their number by office."""
    heads = seen.lodged.heads
    count = len(heads)
    applies, chances = _applicable(seen)
    fired = streams.of("criteria", month).random((count, len(CRITERIA))) < applies * chances
    share = random_shares(seen)
    in_random = streams.of("random sample", month).random(count) < share
    selecting = np.array([criterion.channel >= YELLOW for criterion in CRITERIA])
    missed = np.prod(1 - applies[:, selecting] * chances[:, selecting], axis=1) * (1 - share)
    channel, criterion = strictest(fired, in_random)
    rng = streams.of("reroutes", month)
    rerouted, reason = _reroutes(rng, channel)
    final = np.where(rerouted >= 0, rerouted, channel)
    lost = np.array([NOT_INSPECTED.get(at, 0.0) for at in range(len(CHANNELS))])
    return Selection(
        channel=channel,
        criterion=criterion,
        probability=1 - missed,
        in_random=in_random,
        rerouted=rerouted,
        reason=reason,
        officer=_assigned(streams.of("officers", month), plan, seen, officers),
        inspected=rng.random(count) >= lost[final],
    )


def random_shares(seen: Seen) -> np.ndarray:
    """Return the chance of each declaration of being in the random sample."""
    heads = seen.lodged.heads
    share = np.array([office.random_share for office in OFFICES])[heads.office]
    return np.where(seen.traders.trusted[heads.trader] >= 0, TRUSTED_RANDOM_SHARE, share)


def _applicable(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Return which criteria (columns) apply to which declarations, and the chance with which each fires."""
    heads, head = seen.lodged.heads, seen.lodged.items.head
    imported = heads.flow == 0
    applies = np.zeros((len(heads), len(CRITERIA)), dtype=bool)
    for at, criterion in enumerate(CRITERIA):
        applies[head[criterion.applies(seen)], at] = True
    factor = np.where(seen.traders.trusted[heads.trader] >= 0, TRUSTED_FACTOR, 1.0)
    chances = np.array([criterion.chance for criterion in CRITERIA])[None, :] * factor[:, None]
    return applies & imported[:, None], chances


def strictest(fired: np.ndarray, in_random: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the strictest channel given, and the first criterion of those that fired with the strictest of theirs.

    A member of the random sample has a criterion only where that alone would have selected it too.
    """
    given = np.where(fired, np.array([criterion.channel for criterion in CRITERIA]), GREEN)
    channel = given.max(axis=1)
    named = channel >= np.where(in_random, YELLOW, BLUE)
    return np.where(in_random, RED, channel), np.where(named, given.argmax(axis=1), -1)


def _reroutes(rng: np.random.Generator, channel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the channel after a change by a person (-1: none) and the position of its reason."""
    drawn = rng.random(len(channel))
    rerouted, reason = np.full(len(channel), -1), np.full(len(channel), -1)
    for at, (old, new, chance) in enumerate(REROUTES):
        hit = (channel == old) & (drawn < chance)
        rerouted[hit] = new
        reason[hit] = (0, 1, 0, 3)[at]
    return rerouted, reason


def _assigned(rng: np.random.Generator, plan: Plan, seen: Seen, officers: np.ndarray) -> np.ndarray:
    """Return the officer of each declaration; a colluding officer sees to it that the friend's papers come by."""
    heads = seen.lodged.heads
    officer: np.ndarray = (rng.random(len(heads)) * officers[heads.office]).astype(np.int64)
    friendly = rng.random(len(heads)) < COLLUSION_SHARE
    for scheme in plan.schemes:
        if scheme.officer is not None:
            theirs = (heads.broker == scheme.broker) & (heads.office == scheme.office) & friendly
            officer = np.where(theirs, scheme.officer, officer)
    return officer
