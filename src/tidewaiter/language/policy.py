"""Reads a routing policy from YAML."""

from collections.abc import Collection, Mapping
from pathlib import Path

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always, Condition
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import (
    DOCUMENT_MARK_DAYS,
    LONGEST_DOCUMENT_MARK_DAYS,
    MandatoryControl,
    Policy,
    TrustedTrader,
)
from tidewaiter.core.profile import NamedList, Treatment
from tidewaiter.language import policy_capacity as capacity
from tidewaiter.language.documents import Entries, Node, Scalar, read_document, read_text
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.policy_cargo import cargo
from tidewaiter.language.policy_nodes import Nodes

SHIPPED = Path(__file__).with_name("policies") / "default.yaml"
_TOP = (
    "policy", "version", "random", "mandatory", "trusted_traders", "checklists", "minutes", "offices", "expected",
    "exploration", "lookouts", "agency_holds", "yellow_expires_after_days", "green_delay", "overrides", "re_examined",
    "documents", "containers", "cargo",
)  # fmt: skip
_RANDOM = ("share", "channel", "offices")
_CONTROL = ("code", "condition", "channel", "controls", "instruction", "legal_basis")
_TRUSTED = ("profile_factor", "random_share", "offices", "risk_areas")


def read_policy(
    path: Path, catalogue: Catalogue, *, indicators: Collection[str] = (), lists: Mapping[str, NamedList] | None = None
) -> Policy:
    """Return the policy of the file. Raises InputError with every problem, each with its place.

    Mandatory conditions may use the indicators and lists of the profiles the policy is used with.
    """
    return read_policy_text(read_text(path), catalogue, file=str(path), indicators=indicators, lists=lists)


def read_policy_text(
    text: str,
    catalogue: Catalogue,
    *,
    file: str | None = None,
    indicators: Collection[str] = (),
    lists: Mapping[str, NamedList] | None = None,
) -> Policy:
    """Return the policy of a text; `file` is what problems name as its place. Raises InputError as `read_policy`."""
    reader = _Reader(catalogue, indicators, lists or {})
    policy = reader.policy(read_document(text, file))
    if reader.problems:
        found = dict.fromkeys(reader.problems)
        raise InputError(sorted(found, key=lambda one: (one.place.line or 0, one.place.column or 0)))
    return policy


class _Reader(Nodes):
    def __init__(self, catalogue: Catalogue, indicators: Collection[str], lists: Mapping[str, NamedList]) -> None:
        super().__init__()
        self.catalogue, self.indicators, self.lists = catalogue, indicators, lists

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
            minutes=capacity.minutes(self, top.get("minutes")),
            offices=capacity.offices(self, top.get("offices")),
            expected_rates=capacity.expected(self, top.get("expected")),
            exploration=capacity.exploration(self, top.get("exploration")),
            lookouts=capacity.lookouts(self, top.get("lookouts")),
            agency_holds=capacity.agency_holds(self, top.get("agency_holds")),
            yellow_expires_after_days=capacity.expiry(self, top.get("yellow_expires_after_days")),
            green_delay=capacity.green_delay(self, top.get("green_delay")),
            second_person_from=self.second_person(top.get("overrides")),
            re_examined_share=self.re_examined(top.get("re_examined")),
            document_mark_days=self.document_days(top.get("documents")),
            container_mark_days=self.container_days(top.get("containers")),
            cargo=cargo(self, top.get("cargo")),
        )

    def second_person(self, node: Node | None) -> Channel:
        return self.channel(
            self.entries(node, ("second_person_from",), "overrides"), Channel.ORANGE, "second_person_from"
        )

    def re_examined(self, node: Node | None) -> float:
        return self.share(self.entries(node, ("share",), "re_examined").get("share"), 0.0)

    def document_days(self, node: Node | None) -> int:
        entry = self.entries(node, ("inherited_days",), "documents")
        days = self.count(entry.get("inherited_days"), "inherited_days", DOCUMENT_MARK_DAYS)
        if not 0 < days <= LONGEST_DOCUMENT_MARK_DAYS:
            advice = "goods lodged again must keep their draw, and nobody may use it for ever"
            said = f"inherited_days of documents is from 1 to {LONGEST_DOCUMENT_MARK_DAYS}"
            self.say(said, entry.get("inherited_days") or entry, advice)
        return days

    def container_days(self, node: Node | None) -> int:
        entry = self.entries(node, ("inherited_days",), "containers")
        return self.count(entry.get("inherited_days"), "inherited_days", 30)

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
        return TrustedTrader(
            profile_factor=factor,
            random_share=None if random is None else self.share(random, 1.0),
            offices=self.lines(entry.get("offices")),
            risk_areas=self.lines(entry.get("risk_areas")),
        )

    def checklists(self, node: Node | None) -> dict[Channel, tuple[str, ...]]:
        listed = self.entries(node, tuple(Channel), "checklists")
        return {Channel(key.text): self.lines(value) for key, value in listed.pairs if key.text in tuple(Channel)}
