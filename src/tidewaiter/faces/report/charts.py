"""Small pictures of figures as inline SVG: dots with whiskers, bars by week, bars by office, channel signs.

Colours come from classes that the style sheet sets for light, dark and print; every picture carries its figures as
text for whoever cannot see it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from markupsafe import Markup

from tidewaiter.core.channel import Channel
from tidewaiter.engines.backtest.report import Count, Period

WIDTH, HEIGHT = 120, 20
_PAD = 5

_SIGNS = {
    Channel.RED: '<rect x="2" y="2" width="12" height="12" rx="1"/>',
    Channel.ORANGE: '<path d="M8 0.8 15.2 8 8 15.2 0.8 8Z"/>',
    Channel.YELLOW: '<path d="M8 1.5 15.3 14.5H0.7Z"/>',
    Channel.BLUE: '<circle cx="8" cy="8" r="6.5"/>',
    Channel.GREEN: '<circle cx="8" cy="8" r="5.2" class="ring"/>',
}


def sign(channel: Channel) -> Markup:
    """Return the sign of a channel: its colour, its own shape, and its word."""
    picture = Markup('<svg class="sign {}" viewBox="0 0 16 16" aria-hidden="true">{}</svg>')
    shape = Markup(_SIGNS[channel])  # noqa: S704
    word = Markup("<span>{}</span>").format(channel.value)
    return Markup('<span class="channel">{}{}</span>').format(picture.format(channel.value, shape), word)


def whisker(value: float, low: float, high: float, top: float, said: str, *, kind: str = "naive") -> Markup:
    """Return a dot with its interval on a scale from 0 to `top`; `said` are the same figures in words."""

    def at(share: float) -> float:
        return round(_PAD + min(share / top, 1.0) * (WIDTH - 2 * _PAD), 1)

    return Markup(
        '<svg class="whisker {kind}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="{said}"><title>{said}</title>'
        '<line class="axis" x1="{left}" x2="{right}" y1="10" y2="10"/>'
        '<line class="span" x1="{low}" x2="{high}" y1="10" y2="10"/>'
        '<line class="span" x1="{low}" x2="{low}" y1="6.5" y2="13.5"/>'
        '<line class="span" x1="{high}" x2="{high}" y1="6.5" y2="13.5"/>'
        '<circle cx="{dot}" cy="10" r="3.6"/></svg>'
    ).format(
        kind=kind,
        width=WIDTH,
        height=HEIGHT,
        said=said,
        left=_PAD,
        right=WIDTH - _PAD,
        low=at(low),
        high=at(high),
        dot=at(value),
    )


def bar(share: float, said: str, *, kind: str = "") -> Markup:
    """Return a horizontal bar filled to that share of its width."""
    return Markup(
        '<svg class="bar {}" width="90" height="10" viewBox="0 0 90 10" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="track" width="90" height="10" rx="2"/><rect class="fill" width="{}" height="10" rx="2"/></svg>'
    ).format(kind, said, said, round(90 * min(max(share, 0.0), 1.0), 1))


def weekly(days: Sequence[Count], start: date) -> list[tuple[date, int]]:
    """Return items a week, each week by its first day within the period (weeks begin on Monday)."""
    weeks: dict[date, int] = {}
    for number, count in enumerate(days):
        day = start + timedelta(days=number)
        first = max(start, day - timedelta(days=day.weekday()))
        weeks[first] = weeks.get(first, 0) + count.items
    return sorted(weeks.items())


def weeks_chart(days: Sequence[Count], period: Period, immature_from: date | None) -> Markup:
    """Return matched items by week as bars; weeks whose results are not all known yet are drawn hollow."""
    weeks = weekly(days, period.start)
    most = max((items for _, items in weeks), default=0)
    step = 240 / max(len(weeks), 1)
    rule = step * 0.78
    bars = Markup().join(
        _week(number * step, rule, items / most if most else 0.0, first, items, immature_from)
        for number, (first, items) in enumerate(weeks)
    )
    said = f"items matched by week, at most {most:,}, from {period.start} to {period.end}"
    return Markup(
        '<svg class="weeks" viewBox="0 0 240 46" role="img" aria-label="{}" preserveAspectRatio="none">{}'
        '<line class="axis" x1="0" x2="240" y1="45.5" y2="45.5"/></svg>'
    ).format(said, bars)


def _week(x: float, width: float, share: float, first: date, items: int, immature_from: date | None) -> Markup:
    late = immature_from is not None and first + timedelta(days=6) >= immature_from
    tall = round(44 * share, 1)
    said = f"week of {first}: {items:,} items" + (", results not all known yet" if late else "")
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
        "late" if late else "week", round(x, 2), round(45 - tall, 1), round(width, 2), tall, said
    )


def rounded_up(shares: Iterable[float]) -> float:
    """Return a round end for a scale of shares that holds them all."""
    highest = max(shares, default=0.0)
    return next((end for end in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75) if highest <= end), 1.0)
