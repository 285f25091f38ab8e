"""Reads a routing policy from YAML."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always, Condition
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import MandatoryControl, Policy, TrustedTrader
from tidewaiter.core.profile import NamedList, Treatment
from tidewaiter.language.documents import Entries, Items, Node, Scalar, read_document, read_text
from tidewaiter.language.fields import text_of
from tidewaiter.language.parse import parse_condition

SHIPPED = Path(__file__).with_name("policies") / "default.yaml"
_TOP = ("policy", "version", "random", "mandatory", "trusted_traders", "checklists")
_RANDOM = ("share", "channel", "offices")
_CONTROL = ("code", "condition", "channel", "controls", "instruction", "legal_basis")
_TRUSTED = ("profile_factor", "random_share")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_SHARE = re.compile(r"[01]|0?\.\d+|1\.0+|0\.\d+")


def read_policy(
    path: Path, catalogue: Catalogue, *, indicators: Collection[str] = (), lists: Mapping[str, NamedList] | None = None
) -> Policy:
    """Return the policy of the file. Raises InputError with every problem, each with its place.

    Mandatory conditions may use the indicators and lists of the profiles the policy is used with.
    """
    root = read_document(read_text(path), str(path))
    reader = _Reader(catalogue, indicators, lists or {})
    policy = reader.policy(root)
    if reader.problems:
        found = dict.fromkeys(reader.problems)
        raise InputError(sorted(found, key=lambda one: (one.place.line or 0, one.place.column or 0)))
    return policy


class _Reader:
    def __init__(self, catalogue: Catalogue, indicators: Collection[str], lists: Mapping[str, NamedList]) -> None:
        self.catalogue, self.indicators, self.lists = catalogue, indicators, lists
        self.problems: list[Problem] = []

    def policy(self, root: Node) -> Policy:
        top = self.entries(root, _TOP, "a policy")
        random = self.entries(top.get("random"), _RANDOM, "random")
        if random.get("share") is None:
            self.say("a policy states its random share", top.get("random") or root, "add 'random: {share: 0.02}'")
        return Policy(
            name=self.text(top, "policy") or "unnamed",
            version=self.whole(top, "version"),
            random_share=self.share(random.get("share"), 0.0),
            random_channel=self.random_channel(random),
            random_share_by_office={
                key.text: self.share(value, 0.0) for key, value in self.entries(random.get("offices"), None, "").pairs
            },
            mandatory=self.controls(top.get("mandatory")),
            trusted_traders={
                key.text: self.trusted(value) for key, value in self.entries(top.get("trusted_traders"), None, "").pairs
            },
            checklists=self.checklists(top.get("checklists")),
        )

    def random_channel(self, random: Entries) -> Channel:
        channel = self.channel(random, Channel.RED)
        if not channel.selects:
            advice = "use red, orange or yellow: goods that nobody looks at tell nothing"
            self.say(f"the random sample is not controlled in {channel}", random.get("channel") or random, advice)
        return channel

    def controls(self, node: Node | None) -> tuple[MandatoryControl, ...]:
        found: dict[str, MandatoryControl] = {}
        for one in self.items(node):
            control = self.control(one)
            if control.code and control.code in found:
                self.say(f"mandatory control '{control.code}' stands twice", one, "give each a code of its own")
            found[control.code] = control
        return tuple(found.values())

    def control(self, node: Node) -> MandatoryControl:
        entry = self.entries(node, _CONTROL, "a mandatory control")
        for needed in ("code", "condition", "channel", "instruction"):
            if not self.text(entry, needed):
                self.say(f"a mandatory control states its {needed}", node, f"add '{needed}:'")
        channel = self.channel(entry, Channel.RED)
        if channel is Channel.GREEN:
            self.say("a mandatory control in green controls nothing", node, "use blue, yellow, orange or red")
        return MandatoryControl(
            code=self.text(entry, "code"),
            condition=self.condition(entry.get("condition")),
            treatment=Treatment(channel, 1.0, self.lines(entry.get("controls"))),
            instruction=self.text(entry, "instruction"),
            legal_basis=self.text(entry, "legal_basis"),
        )

    def condition(self, node: Node | None) -> Condition:
        if not isinstance(node, Scalar) or node.missing:
            return Always(False)
        try:
            return parse_condition(
                node.text, self.catalogue, indicators=self.indicators, lists=self.lists, place=node.place_of
            )
        except InputError as error:
            self.problems += error.problems
            return Always(False)

    def trusted(self, node: Node) -> TrustedTrader:
        entry = self.entries(node, _TRUSTED, "a trusted-trader type")
        random = entry.get("random_share")
        factor = self.share(entry.get("profile_factor"), 1.0)
        if factor == 0:
            self.say("profile_factor is above 0: status lowers a percentage, it does not remove it", node)
        if random is not None and self.share(random, 1.0) == 0:
            self.say("random_share is above 0: a stratum may be thin, never empty", random)
        return TrustedTrader(profile_factor=factor, random_share=None if random is None else self.share(random, 1.0))

    def checklists(self, node: Node | None) -> dict[Channel, tuple[str, ...]]:
        listed = self.entries(node, tuple(Channel), "checklists")
        return {Channel(key.text): self.lines(value) for key, value in listed.pairs if key.text in tuple(Channel)}

    def say(self, message: str, node: Node, suggestion: str | None = None) -> None:
        self.problems.append(Problem(message, node.place, suggestion))

    def entries(self, node: Node | None, known: tuple[str, ...] | None, what: str) -> Entries:
        if isinstance(node, Entries):
            for key, _ in node.pairs:
                if known is not None and key.text not in known:
                    near = get_close_matches(key.text, known, n=1)
                    advice = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known)}"
                    self.say(f"'{key.text}' is no part of {what}", key, advice)
            return node
        if node is not None and not (isinstance(node, Scalar) and node.missing):
            self.say(f"{what or 'this'} is written as keys and values", node)
        return _EMPTY

    def items(self, node: Node | None) -> tuple[Node, ...]:
        if node is None or (isinstance(node, Scalar) and node.missing):
            return ()
        return node.nodes if isinstance(node, Items) else (node,)

    def lines(self, node: Node | None) -> tuple[str, ...]:
        found: list[str] = []
        for line in self.items(node):
            if isinstance(line, Scalar) and text_of(line):
                found.append(text_of(line))
            else:
                self.say("a line is one text", line, "put quotes around a text that contains ': '")
        return tuple(found)

    def text(self, entry: Entries, key: str) -> str:
        value = entry.get(key)
        if value is not None and not isinstance(value, Scalar):
            self.say(f"{key} is one text", value, "put quotes around a text that contains ': '")
        return text_of(value) if isinstance(value, Scalar) and not value.missing else ""

    def whole(self, entry: Entries, key: str) -> int:
        text = self.text(entry, key) or "1"
        if not _WHOLE.fullmatch(text):
            self.say(f"{key} is a whole number from 1", entry.get(key) or entry)
            return 1
        return int(text)

    def share(self, node: Node | None, default: float) -> float:
        if node is None:
            return default
        if not isinstance(node, Scalar) or not _SHARE.fullmatch(node.text):
            self.say("a share is a number from 0 to 1", node, "write 2 % as 0.02")
            return default
        return float(node.text)

    def channel(self, entry: Entries, default: Channel) -> Channel:
        text = self.text(entry, "channel")
        if text and text not in tuple(Channel):
            self.say(f"'{text}' is not a channel", entry.get("channel") or entry, f"use one of {', '.join(Channel)}")
        return Channel(text) if text in tuple(Channel) else default


_EMPTY = Entries((), Place(), {})
