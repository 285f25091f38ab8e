"""Pages of the service written from the code: routes of the API, who may do what, every command."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tidewaiter.faces.django_start import start_django

if TYPE_CHECKING:
    from ninja.operation import Operation

WRITTEN = "Written by `make docs` from the code; a test holds it up to date.\n"


def rights_page() -> str:
    """Return the page of all actions: which roles may use them, and whether clients or the service's schedule may."""
    from tidewaiter.actions.rights import rights  # noqa: PLC0415  # actions need Django started
    from tidewaiter.storage.records.visibility import WHOLE_ROLES  # noqa: PLC0415

    whole = ", ".join(sorted(WHOLE_ROLES))
    lines = [
        "# Rights\n",
        WRITTEN,
        "An officer may use an action that one of the own roles allows; through a token with scopes, only those among",
        "its scopes. A client system may use the actions marked *client* that its token's scopes name. *service* is",
        "the service's own schedule. Beside the right, an action may ask more: not the author, a second person, the",
        "own office, the clearance. A refusal for want of a right is recorded.\n",
        "An officer with an office sees and does what is of that office; one without works for all. What a role of the",
        "whole administration grants reaches every office all the same:",
        f"{whole}.\n",
        "| action | roles | client | service |",
        "|---|---|---|---|",
    ]
    for name, right in sorted(rights().items()):
        roles = ", ".join(sorted(right.roles))
        lines.append(f"| `{name}` | {roles} | {_yes(right.client)} | {_yes(right.system)} |")
    return "\n".join([*lines, "", "## By role\n", *_by_role()]) + "\n"


def _by_role() -> Iterator[str]:
    from tidewaiter.actions.rights import rights  # noqa: PLC0415
    from tidewaiter.core.role import Role  # noqa: PLC0415

    yield "| role | actions |"
    yield "|---|---|"
    for role in Role:
        actions = ", ".join(f"`{name}`" for name, right in sorted(rights().items()) if role in right.roles)
        yield f"| {role} | {actions} |"


def _yes(allowed: bool) -> str:
    return "yes" if allowed else ""


def routes_page() -> str:
    """Return the page of all routes, by subject: what each does, the action it needs and who may use that."""
    from tidewaiter.faces.api.routes import operations  # noqa: PLC0415

    found: defaultdict[str, list[str]] = defaultdict(list)
    for path, operation in operations():
        subject = (operation.tags or ["other"])[0]
        for method in operation.methods:
            found[str(subject)].append(_route(path, method, operation))
    lines = [
        "# Routes of the API\n",
        WRITTEN,
        "Addresses begin with `/api/v1`; [the API](api.md) says what holds for all of them, and",
        "`GET /api/v1/openapi.json` gives bodies and answers field by field. Where several actions are named, any of",
        "them lets the call in, and the action itself checks the exact one. *client* is a client system whose token",
        "has the action among its scopes. Without a token: `GET /health`, `GET /ready`, `GET /api/v1/openapi.json`;",
        "`GET /metrics` from the same machine.\n",
    ]
    for subject, routes in sorted(found.items()):
        lines += [f"## {subject}\n", "| route | what it does | action | who |", "|---|---|---|---|", *routes, ""]
    return "\n".join(lines).rstrip() + "\n"


def _route(path: str, method: str, operation: "Operation") -> str:
    from tidewaiter.actions.rights import rights  # noqa: PLC0415
    from tidewaiter.faces.api.routes import actions_of  # noqa: PLC0415

    actions = actions_of(operation)
    allowed = [rights()[action] for action in actions]
    roles = sorted({str(role) for right in allowed for role in right.roles})
    who = [*(["client"] if any(right.client for right in allowed) else []), *roles]
    plain = path.replace("{path:", "{")
    named = ", ".join(f"`{action}`" for action in actions)
    return f"| `{method} {plain}` | {operation.summary} | {named} | {', '.join(who)} |"


def commands_page() -> str:
    """Return the page of all commands with their whole help."""
    from tidewaiter.faces.cli.main import SECTIONS, tidewaiter  # noqa: PLC0415

    lines = ["# Every command\n", WRITTEN, "What other programs may rely on stands in [the command line](cli.md).\n"]
    for section, names in SECTIONS.items():
        lines.append(f"## {section}\n")
        for name in names:
            command = tidewaiter.commands.get(name)
            if command is not None:
                lines += [_help(words, one) for words, one in _commands(command, ("tidewaiter", name))]
    return "\n".join(lines).rstrip() + "\n"


def _commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    for name, inner in sorted(command.commands.items()):
        yield from _commands(inner, (*words, name))


def _help(words: tuple[str, ...], command: click.Command) -> str:
    settings = {"terminal_width": 100, "max_content_width": 100, "help_option_names": ["-h", "--help"]}
    context = click.Context(command, info_name=" ".join(words), **settings)  # type: ignore[arg-type]
    return f"### `{' '.join(words)}`\n\n```text\n{command.get_help(context).rstrip()}\n```\n"


def pages() -> dict[str, str]:
    """Return the generated pages of the service by file name."""
    start_django()
    return {"rights.md": rights_page(), "routes.md": routes_page(), "commands.md": commands_page()}
