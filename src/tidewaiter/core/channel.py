"""The colour a declaration is treated with."""

from collections.abc import Iterable
from enum import StrEnum


class Channel(StrEnum):
    """A treatment colour, declared from the most lenient to the strictest."""

    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def strictness(self) -> int:
        """Return 0 for green up to 4 for red."""
        return _STRICTNESS[self]

    @property
    def selects(self) -> bool:
        """Tell whether goods are held for a control before release (red, orange, yellow)."""
        return self.strictness >= Channel.YELLOW.strictness

    @property
    def meaning(self) -> str:
        """Return what the channel asks for, in words."""
        return _MEANING[self]


_STRICTNESS = {channel: place for place, channel in enumerate(Channel)}
_MEANING = {
    Channel.RED: "physical and documentary control",
    Channel.ORANGE: "scan",
    Channel.YELLOW: "documentary control",
    Channel.BLUE: "release, referral to post-clearance audit",
    Channel.GREEN: "release",
}


def strictest(channels: Iterable[Channel]) -> Channel:
    """Return the strictest of the channels; green when there are none."""
    return max(channels, key=lambda channel: channel.strictness, default=Channel.GREEN)
