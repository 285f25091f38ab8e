"""YAML nodes of a mapping file with their places: every wrong node becomes a problem, none stops the reading."""

from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches

import yaml

from tidewaiter.core.errors import Place, Problem


@dataclass(slots=True)
class Reader:
    """Reads nodes of one file and collects what is wrong with them."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def place(self, node: yaml.Node) -> Place:
        """Return where a node begins."""
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def wrong(self, node: yaml.Node, message: str, suggestion: str | None = None) -> None:
        """Note a problem at that node."""
        self.problems.append(Problem(message, self.place(node), suggestion))

    def unknown(self, node: yaml.Node, what: str, name: str, known: Collection[str]) -> None:
        """Note that a name is none of the known ones, with the nearest of them."""
        near = get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
        self.wrong(node, f"{name!r} is no {what}", advice)

    def entries(self, node: yaml.Node, what: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the keys of a map with their key and value nodes; a repeated key is a problem."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} must be a map of names to values")
            return {}
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                self.wrong(key, f"{name!r} stands twice in {what}", "keep one of them")
            found.setdefault(name, (key, value))
        return found

    def record(self, node: yaml.Node, what: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """Return the values of a map whose keys must be among the known ones."""
        found = {}
        for name, (key, value) in self.entries(node, what).items():
            if name in known:
                found[name] = value
            else:
                self.unknown(key, f"setting of {what}", name, known)
        return found

    def text(self, node: yaml.Node | None, what: str, default: str = "") -> str:
        """Return the text of a scalar, as written; the default where there is none."""
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(node, f"{what} must be one text")
            return default
        return str(node.value)

    def texts(self, node: yaml.Node | None, what: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts; one text alone is a list of one."""
        if node is None:
            return default
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.text(part, what) for part in node.value)
        return (self.text(node, what),)

    def whole(self, node: yaml.Node | None, what: str) -> int:
        """Return a whole number; 0 where there is none."""
        written = self.text(node, what)
        try:
            return int(written or "0")
        except ValueError:
            if node is not None:
                self.wrong(node, f"{what} must be a whole number, not {written!r}")
            return 0

    def flag(self, node: yaml.Node | None, what: str) -> bool:
        """Return true or false; false where there is none."""
        written = self.text(node, what, "false").lower()
        if written not in ("true", "false") and node is not None:
            self.wrong(node, f"{what} must be true or false, not {written!r}")
        return written == "true"
