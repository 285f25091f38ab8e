"""Reads what a routing policy says of offices: shifts, minutes, expected rates, exploration, lookouts, holds, delay."""

from collections.abc import Mapping, Sequence

from tidewaiter.core.channel import Channel
from tidewaiter.core.lookout import LookoutAction
from tidewaiter.core.policy import (
    DEFAULT_LOOKOUT_CHANNELS,
    DEFAULT_MINUTES,
    AgencyHoldPolicy,
    Delay,
    Exploration,
    LookoutPolicy,
    OfficePolicy,
    Shift,
)
from tidewaiter.language.documents import Node
from tidewaiter.language.policy_nodes import Nodes, is_written

SELECTING = tuple(channel for channel in Channel if channel.selects)
OPEN_ACTIONS = tuple(action for action in LookoutAction if action is not LookoutAction.MONITOR)
_OFFICE = ("reserved_minutes", "shifts", "expected")
_SHIFT = ("name", "from", "to", "minutes")
_EXPLORATION = ("share", "channel", "highest_top_up")
_HOLDS = ("channel", "agencies")
_DELAY = ("least", "most")


def minutes(nodes: Nodes, node: Node | None) -> Mapping[Channel, int]:
    """Return the officer minutes of an act by channel."""
    return nodes.by(node, SELECTING, "minutes", lambda one: nodes.count(one, "minutes", 0), DEFAULT_MINUTES)


def expected(nodes: Nodes, node: Node | None) -> Mapping[Channel, float]:
    """Return the expected rate of each lane; together they are at most 1."""
    rates = nodes.by(node, SELECTING, "expected rates", lambda one: nodes.share(one, 0.0), {})
    if node is not None and sum(rates.values()) > 1 + 1e-9:
        nodes.say(
            f"expected rates add up to {sum(rates.values()):g}", node, "at most 1: they are shares of declarations"
        )
    return rates


def offices(nodes: Nodes, node: Node | None) -> dict[str, OfficePolicy]:
    """Return what is stated for each office."""
    return {key.text: _office(nodes, value) for key, value in nodes.entries(node, None, "offices").pairs}


def _office(nodes: Nodes, node: Node) -> OfficePolicy:
    entry = nodes.entries(node, _OFFICE, "an office")
    shifts = tuple(_shift(nodes, one) for one in nodes.items(entry.get("shifts")))
    reserve = nodes.count(entry.get("reserved_minutes"), "reserved_minutes", 0)
    _check_shifts(nodes, shifts, reserve, entry.get("shifts") or node)
    return OfficePolicy(reserved_minutes=reserve, shifts=shifts, expected_rates=expected(nodes, entry.get("expected")))


def _shift(nodes: Nodes, node: Node) -> Shift:
    entry = nodes.entries(node, _SHIFT, "a shift")
    for needed in _SHIFT:
        if not nodes.text(entry, needed):
            nodes.say(f"a shift states its {needed}", node, f"add '{needed}:'")
    return Shift(
        name=nodes.text(entry, "name"),
        starts=nodes.time(entry, "from"),
        ends=nodes.time(entry, "to"),
        minutes=nodes.count(entry.get("minutes"), "minutes", 0),
    )


def _check_shifts(nodes: Nodes, shifts: Sequence[Shift], reserve: int, node: Node) -> None:
    for place, shift in enumerate(shifts):
        if reserve > shift.minutes:
            advice = "reserve fewer, or correct the minutes of the shift"
            nodes.say(f"reserved_minutes are more than shift '{shift.name}' has", node, advice)
        for other in shifts[:place]:
            if shift.name == other.name:
                nodes.say(f"shift '{shift.name}' stands twice", node, "give each a name of its own")
            elif shift.covers(other.starts) or other.covers(shift.starts):
                nodes.say(
                    f"shifts '{other.name}' and '{shift.name}' overlap", node, "let one end where the next begins"
                )


def exploration(nodes: Nodes, node: Node | None) -> Exploration:
    """Return how much is explored."""
    entry = nodes.entries(node, _EXPLORATION, "exploration")
    channel = nodes.channel(entry, Exploration().channel)
    if not channel.selects:
        nodes.say(
            f"nothing is learned of goods in {channel}", entry.get("channel") or entry, "use red, orange or yellow"
        )
    return Exploration(
        share=nodes.share(entry.get("share"), 0.0),
        channel=channel,
        highest_top_up=nodes.share(entry.get("highest_top_up"), Exploration().highest_top_up),
    )


def lookouts(nodes: Nodes, node: Node | None) -> LookoutPolicy:
    """Return the channel of lookouts by action, and that of a possible match."""
    words = (*(str(action) for action in OPEN_ACTIONS), "possible")
    entry = nodes.entries(node, words, "lookouts")
    channels = dict(DEFAULT_LOOKOUT_CHANNELS)
    for action in OPEN_ACTIONS:
        channels[action] = nodes.channel(entry, channels[action], str(action))
    for key, _ in entry.pairs:
        if nodes.channel(entry, Channel.RED, key.text) is Channel.GREEN:
            nodes.say("a lookout in green stops nothing", entry.by_key[key.text], "use blue, yellow, orange or red")
    return LookoutPolicy(channels=channels, possible=nodes.channel(entry, LookoutPolicy().possible, "possible"))


def agency_holds(nodes: Nodes, node: Node | None) -> AgencyHoldPolicy:
    """Return the channel of other agencies' holds."""
    entry = nodes.entries(node, _HOLDS, "agency_holds")
    named = nodes.entries(entry.get("agencies"), None, "agencies")
    common = nodes.channel(entry, AgencyHoldPolicy().channel)
    found = AgencyHoldPolicy(
        channel=common, agencies={key.text: nodes.channel(named, common, key.text) for key, _ in named.pairs}
    )
    if node is not None and not all(channel.selects for channel in (common, *found.agencies.values())):
        nodes.say("a hold that does not stop the goods is none", node, "use yellow, orange or red")
    return found


def green_delay(nodes: Nodes, node: Node | None) -> Delay | None:
    """Return how long a green release waits; None when it does not."""
    if node is None or not is_written(node):
        return None
    entry = nodes.entries(node, _DELAY, "green_delay")
    least, most = (nodes.count(entry.get(key), key, 0) for key in _DELAY)
    if least > most:
        nodes.say(f"least ({least}) is more than most ({most})", node, "exchange the two")
    return Delay(least=least, most=max(least, most))


def expiry(nodes: Nodes, node: Node | None) -> int | None:
    """Return after how many days a yellow lapses; None when it does not."""
    if node is None or not is_written(node):
        return None
    days = nodes.count(node, "yellow_expires_after_days", 1)
    if days == 0:
        nodes.say("yellow_expires_after_days is a whole number from 1", node, "leave it out: then no yellow lapses")
    return days or None
