"""Who may do what: the table rights.csv, read once. Roles are separated by semicolons; x allows client or system."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tidewaiter.core.role import Role


@dataclass(frozen=True, slots=True)
class Right:
    """Who may use one action: officers by role, client systems (by a token's scope), the service's own schedule."""

    roles: frozenset[Role]
    client: bool
    system: bool


@cache
def rights() -> dict[str, Right]:
    """Return the right to every action by its name."""
    text = files("tidewaiter.actions").joinpath("rights.csv").read_text(encoding="utf-8")
    return {
        row["action"]: Right(
            frozenset(Role(name) for name in row["roles"].split(";") if name),
            row["client"] == "x",
            row["system"] == "x",
        )
        for row in csv.DictReader(text.splitlines())
    }


def granting(name: str) -> frozenset[Role]:
    """Return the roles that grant an action. Raises KeyError for one the table does not have."""
    return rights()[name].roles
