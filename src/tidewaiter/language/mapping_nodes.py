"""YAML nodes of a mapping file with their places: every wrong node becomes a problem, none stops the reading."""

from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches

from tidewaiter.core.errors import Problem
from tidewaiter.language.documents import Entries, Items, Node, Scalar


@dataclass(slots=True)
class Reader:
    """Reads nodes of one file and collects what is wrong with them."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, node: Node, message: str, suggestion: str | None = None) -> None:
        """Note a problem at that node."""
        self.problems.append(Problem(message, node.place, suggestion))

    def unknown(self, node: Node, what: str, name: str, known: Collection[str]) -> None:
        """Note that a name is none of the known ones, with the nearest of them."""
        near = get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
        self.wrong(node, f"{name!r} is no {what}", advice)

    def entries(self, node: Node, what: str) -> dict[str, tuple[Scalar, Node]]:
        """Return the keys of a map with their key and value nodes."""
        if not isinstance(node, Entries):
            self.wrong(node, f"{what} must be a map of names to values")
            return {}
        return {key.text: (key, value) for key, value in node.pairs}

    def record(self, node: Node, what: str, known: Collection[str]) -> dict[str, Node]:
        """Return the values of a map whose keys must be among the known ones."""
        found = {}
        for name, (key, value) in self.entries(node, what).items():
            if name in known:
                found[name] = value
            else:
                self.unknown(key, f"setting of {what}", name, known)
        return found

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """Return the text of a scalar, as written; the default where there is none."""
        if node is None:
            return default
        if not isinstance(node, Scalar):
            self.wrong(node, f"{what} must be one text")
            return default
        return node.text

    def texts(self, node: Node | None, what: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts; one text alone is a list of one."""
        if node is None:
            return default
        if isinstance(node, Items):
            return tuple(self.text(part, what) for part in node.nodes)
        return (self.text(node, what),)

    def whole(self, node: Node | None, what: str) -> int:
        """Return a whole number; 0 where there is none."""
        written = self.text(node, what)
        try:
            return int(written or "0")
        except ValueError:
            if node is not None:
                self.wrong(node, f"{what} must be a whole number, not {written!r}")
            return 0

    def flag(self, node: Node | None, what: str) -> bool:
        """Return true or false; false where there is none."""
        written = self.text(node, what, "false").lower()
        if written not in ("true", "false") and node is not None:
            self.wrong(node, f"{what} must be true or false, not {written!r}")
        return written == "true"
