"""Information reports: true ones about planted schemes, rumours about honest traders, and repeats of one root."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tidewaiter.engines.generate.calendar import Calendar, day_of
from tidewaiter.engines.generate.country import OFFICES, load_goods, load_partners
from tidewaiter.engines.generate.schemes import Kind, Plan, Scheme
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.traders import Traders

GOOD_SOURCES = ("S-014", "S-022", "S-031", "S-047")
POOR_SOURCES = ("S-105", "S-118", "S-126", "S-133", "S-149", "S-152")
_TEXTS = {
    Kind.UNDERVALUATION: "{name} invoices {goods} from {origin} well below what is paid; the rest is settled apart.",
    Kind.MISCLASSIFICATION: "{name} brings in complete {goods} from {origin} and enters them as something cheaper.",
    Kind.ORIGIN: "{goods} of {name} said to come from another country are made in {origin} and only reloaded.",
    Kind.SMUGGLING: "A new company, {name}, ships {goods} from {origin}; the load is said to hide something else.",
    Kind.RELIEF: "{goods} released to {name} without duty are seen on sale in shops.",
    Kind.SPLIT: "{name} has orders of {goods} from {origin} cut into parcels under the limit.",
    Kind.SHELL: "The people behind {name} traded {goods} before under another company at the same address.",
    Kind.COLLUSION: "Consignments of {goods} for {name} are never opened at {office}.",
    Kind.SHIFT: "{name} has found a new way to bring in {goods} from {origin}.",
    Kind.OPPORTUNISM: "{name} is said to cheat with {goods} from {origin}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report as it came in, and what only the truth file tells: whether it is true, and of which scheme."""

    reference: str
    received_on: str
    source: str
    root_origin: str
    office: str
    text: str
    true: bool
    repeat: bool
    scheme_id: str | None
    about: str

    def shown(self) -> dict[str, str]:
        """Return what the intelligence unit gets."""
        names = ("reference", "received_on", "source", "root_origin", "office", "text")
        return {name: getattr(self, name) for name in names}

    def hidden(self) -> dict[str, str | bool | None]:
        """Return what is kept in the truth file."""
        names = ("reference", "true", "repeat", "root_origin", "scheme_id", "about")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Root:
    """One origin of information, by a name that tells nothing: the day it arose, whom it is about, and what it says."""

    name: str
    day: int
    trader: int
    text: str
    office: int
    scheme: Scheme | None


def reports(streams: Streams, calendar: Calendar, plan: Plan, traders: Traders, honest: int) -> list[Report]:
    """Return all reports in the order they came in; the first `honest` traders belong to no scheme."""
    rng = streams.of("reports")
    roots = [*_true_roots(rng, calendar, plan, traders), *_rumours(rng, calendar, plan, traders, honest)]
    names = rng.permutation(len(roots)).tolist()
    roots = [replace(root, name=f"ROOT-{name + 1:04d}") for root, name in zip(roots, names, strict=True)]
    told = [telling for root in roots for telling in _tellings(rng, calendar, root)]
    told.sort(key=lambda telling: (telling[0], telling[1].name, telling[3], telling[2]))
    return [
        Report(
            reference=f"IR-{at:05d}",
            received_on=day_of(day).isoformat(),
            source=source,
            root_origin=root.name,
            office=OFFICES[root.office].code,
            text=("We also hear that: " if repeat else "") + root.text,
            true=root.scheme is not None,
            repeat=repeat,
            scheme_id=root.scheme.scheme_id if root.scheme else None,
            about=traders.companies.code[root.trader],
        )
        for at, (day, root, source, repeat) in enumerate(told, start=1)
    ]


def _text(kind: Kind, traders: Traders, trader: int, good: int, origin: int, office: int) -> str:
    """Return the words of a report."""
    return _TEXTS[kind].format(
        name=traders.companies.name[trader],
        goods=load_goods().words[good][-1].lower(),
        origin=load_partners().country[origin],
        office=OFFICES[office].town,
    )


def _true_roots(rng: np.random.Generator, calendar: Calendar, plan: Plan, traders: Traders) -> Iterator[_Root]:
    """Yield one to three roots for each scheme, some weeks or months after it began."""
    for scheme in plan.schemes:
        for _ in range(int(rng.integers(1, 4))):
            member = int(rng.choice(scheme.members))
            begun = max(int(traders.born[member]), scheme.starts_on) + int(rng.integers(10, 120))
            text = _text(scheme.kind, traders, member, scheme.goods[0], scheme.origin, scheme.office)
            day = min(begun, calendar.last)
            yield _Root(name="", day=day, trader=member, text=text, office=scheme.office, scheme=scheme)


def _rumours(
    rng: np.random.Generator, calendar: Calendar, plan: Plan, traders: Traders, honest: int
) -> Iterator[_Root]:
    """Yield false roots about honest traders, about as many as there are true ones."""
    kinds = list(_TEXTS)
    for _ in range(2 * len(plan.schemes) + 4):
        trader = int(rng.integers(0, honest))
        kind = kinds[int(rng.integers(0, len(kinds)))]
        good, origin = int(traders.goods[trader, 0]), int(traders.origins[trader, 0])
        office = int(traders.sea_office[trader])
        text = _text(kind, traders, trader, good, origin, office)
        day = int(rng.integers(calendar.first, calendar.last))
        yield _Root(name="", day=day, trader=trader, text=text, office=office, scheme=None)


def _tellings(rng: np.random.Generator, calendar: Calendar, root: _Root) -> Iterator[tuple[int, _Root, str, bool]]:
    """Yield the first report of a root and its repeats by other sources, days later; good sources are right more."""
    trusted = rng.random() < (0.7 if root.scheme else 0.2)
    first = str(rng.choice(GOOD_SOURCES if trusted else POOR_SOURCES))
    yield root.day, root, first, False
    others = [source for source in (*GOOD_SOURCES, *POOR_SOURCES) if source != first]
    for source in rng.choice(others, int(rng.choice(4, p=[0.5, 0.25, 0.15, 0.1])), replace=False):
        yield min(root.day + int(rng.integers(1, 30)), calendar.last), root, str(source), True
