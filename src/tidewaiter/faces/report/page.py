"""Back-tests and a day of decisions as one HTML page."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Decision, ReasonKind
from tidewaiter.core.rate import Rate
from tidewaiter.engines.backtest.report import Count, Estimate, Period, ProfileFigures, Report, Spread
from tidewaiter.faces.report.charts import bar, rounded_up, sign, weekly, weeks_chart, whisker

SHOWN_DECISIONS = 200
SHOWN_PAIRS = 30
SHOWN_PROFILES = 60


def render_report(
    backtests: Sequence[Report],
    *,
    title: str,
    decisions: Sequence[Decision] | None = None,
    decided_on: date | None = None,
    titles: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
) -> str:
    """Return the page as text, ready to be written to a file as UTF-8.

    `titles` are profile titles by code; `sources` names what the figures rest on (the lake's state, the catalogue,
    the day it was made), shown as they are given. Decisions are listed strictest channel first, the first
    `SHOWN_DECISIONS` selected ones.
    """
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=title,
        backtests=backtests,
        decisions=decisions,
        decided_on=decided_on,
        titles=titles or {},
        sources=sources or {},
        channels=_channel_counts(decisions or ()),
        selected=_selected(decisions or ()),
        limits={"decisions": SHOWN_DECISIONS, "pairs": SHOWN_PAIRS, "profiles": SHOWN_PROFILES},
        Channel=Channel,
        ReasonKind=ReasonKind,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tidewaiter.faces.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    readings: dict[str, Callable[..., object]] = {
        "count": lambda number: f"{number:,}",
        "amount": amount,
        "day": lambda day: day.isoformat(),
        "per_day": per_day,
        "percent": percent,
        "of": of,
        "value": value,
    }
    environment.filters.update(readings)
    environment.globals.update(
        sign=sign,
        weeks_chart=weeks_chart,
        bar=bar,
        dot=dot,
        estimate_dot=estimate_dot,
        spread_dot=spread_dot,
        top_of=top_of,
        ranked=ranked,
        busiest=busiest,
        figures_of=figures_of,
    )
    return environment


def _channel_counts(decisions: Sequence[Decision]) -> list[tuple[Channel, int]]:
    counts = Counter(decision.channel for decision in decisions)
    return [(channel, counts[channel]) for channel in reversed(Channel)]


def _selected(decisions: Sequence[Decision]) -> list[Decision]:
    chosen = [decision for decision in decisions if decision.channel is not Channel.GREEN]
    return sorted(chosen, key=lambda one: (-one.channel.strictness, one.declaration_id))


def amount(money: Decimal | None) -> str:
    """Return an amount in whole units with thousands marked; a dash where none is known."""
    return "–" if money is None else f"{money:,.0f}"


def per_day(items: int, days: int) -> str:
    """Return a daily mean, exact enough to plan by."""
    mean = items / days
    return f"{mean:,.0f}" if mean >= 100 else f"{mean:.1f}"


def percent(share: float) -> str:
    """Return a share between 0 and 1 as a percentage."""
    return f"{100 * share:.1f} %"


def of(share: Rate | None) -> Markup:
    """Return `12 of 61`, or `not tried` in grey."""
    if share is None:
        return Markup('<span class="untried">not tried</span>')
    return Markup('<span class="counts">{:,} of {:,}</span>').format(share.numerator, share.denominator)


def value(fact: object) -> str:
    """Return a fact of an example as text; a dash where it is missing."""
    match fact:
        case None:
            return "–"
        case bool():
            return "yes" if fact else "no"
        case float():
            return f"{fact:.4g}"
        case _:
            return str(fact).strip()


def dot(share: Rate | None, top: float, *, kind: str = "naive") -> Markup:
    """Return a rate as dot and whisker; nothing where it was not tried."""
    if share is None:
        return Markup()
    return whisker(share.value, share.low, share.high, top, str(share), kind=kind)


def estimate_dot(estimate: Estimate | None, top: float) -> Markup:
    """Return an estimate as dot and whisker; nothing where there is none."""
    if estimate is None:
        return Markup()
    said = (
        f"{percent(estimate.value)} ({100 * estimate.low:.1f}-{100 * estimate.high:.1f}), "
        f"{estimate.cases:,} cases worth {estimate.effective:,.0f}"
    )
    return whisker(estimate.value, estimate.low, estimate.high, top, said, kind="corrected")


def spread_dot(spread: Spread, examinations: int, top: float, *, kind: str) -> Markup:
    """Return offences found at a number of examinations as a share, with the spread of the draws."""
    said = f"{spread.mean:,.1f} offences in {examinations:,} examinations ({spread.low:,.0f}-{spread.high:,.0f})"
    mean, low, high = (part / examinations for part in (spread.mean, spread.low, spread.high))
    return whisker(mean, low, high, top, said, kind=kind)


def top_of(profiles: Sequence[ProfileFigures]) -> float:
    """Return the common end of the scale for the rates of these profiles."""
    rates = [figures.results.hit_rate for figures in profiles]
    estimates = [None if figures.weighted is None else figures.weighted.hit_rate for figures in profiles]
    drawn = [None if figures.random is None else figures.random.hit_rate for figures in profiles]
    return rounded_up(share.high for share in (*rates, *estimates, *drawn) if share is not None)


def ranked(counts: Mapping[str, Count]) -> list[tuple[str, Count]]:
    """Return offices by declarations, most first."""
    return sorted(counts.items(), key=lambda item: (-item[1].declarations, item[0]))


def busiest(days: Sequence[Count], period: Period) -> str:
    """Return the most items matched in a week, as the end of a chart's scale."""
    most = max((items for _, items in weekly(days, period.start)), default=0)
    return f"most {most:,} a week" if most else "none"


def figures_of(report: Report, code: str) -> ProfileFigures:
    """Return the figures of one profile of a report; KeyError when it is not among them."""
    return {figures.code: figures for figures in report.profiles}[code]
