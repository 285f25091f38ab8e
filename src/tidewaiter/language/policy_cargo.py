"""Reads what a routing policy says of advance cargo."""

from difflib import get_close_matches

from tidewaiter.core.cargo import DEFAULT_BY_ACTION, DEFAULT_BY_CHANNEL, CargoOutcome, CargoPolicy
from tidewaiter.core.tables import TABLES
from tidewaiter.language.documents import Node
from tidewaiter.language.policy_capacity import OPEN_ACTIONS, SELECTING
from tidewaiter.language.policy_nodes import Nodes

_CARGO = ("required", "placeholders", "by_channel", "by_action", "possible", "random_share")


def cargo(nodes: Nodes, node: Node | None) -> CargoPolicy:
    """Return what is asked of consignments."""
    entry = nodes.entries(node, _CARGO, "cargo")
    plain = CargoPolicy()
    possible = entry.get("possible")
    return CargoPolicy(
        required=_required(nodes, entry.get("required")),
        placeholders=nodes.lines(entry.get("placeholders")),
        by_channel=nodes.by(
            entry.get("by_channel"), SELECTING, "by_channel", lambda one: _outcome(nodes, one), DEFAULT_BY_CHANNEL
        ),
        by_action=nodes.by(
            entry.get("by_action"), OPEN_ACTIONS, "by_action", lambda one: _outcome(nodes, one), DEFAULT_BY_ACTION
        ),
        possible=plain.possible if possible is None else _outcome(nodes, possible),
        random_share=nodes.share(entry.get("random_share"), 0.0),
    )


def _outcome(nodes: Nodes, node: Node) -> CargoOutcome:
    return nodes.word(node, CargoOutcome, CargoOutcome.COMPLETE)


def _required(nodes: Nodes, node: Node | None) -> tuple[str, ...]:
    known = [field.name for field in TABLES["consignments"].fields]
    names = nodes.lines(node)
    for name in names:
        if name not in known and node is not None:
            near = get_close_matches(name, known, n=1)
            advice = f"did you mean '{near[0]}'?" if near else "see docs/reference/schema.md"
            nodes.say(f"'{name}' is no field of a consignment", node, advice)
    return names
