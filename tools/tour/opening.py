"""The first chapters: history, records and shares are made; the service starts; officers put profiles in force."""

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tidewaiter.core.tables import TABLES
from tools.tour.client import Client
from tools.tour.country import Country, cut, first_month, today_there
from tools.tour.place import Place, TourError, free_port
from tools.tour.tour import Tour

ADMINISTRATOR: Final = "administrator"
INSPECTORATE: Final = "inspectorate"
CLEARANCE_SYSTEM: Final = "clearance-system"
SHARES: Final = ("--share", "custodian-a.share", "--share", "custodian-b.share")
SHOWN: Final = "EX-CLS-01"
"""The profile whose life is told in full."""

OFFICERS: Final = {
    "author": ["profile author"],
    "analyst": ["analyst"],
    "risk-manager": ["risk manager"],
    "intelligence": ["intelligence officer"],
    "manager": ["manager"],
}
SCOPES: Final = (
    "decision.take",
    "decision.read",
    "decision.changes",
    "event.record",
    "consignment.assess",
)


def history(place: Place, items: int) -> Country:
    """Make a country whose history ends yesterday and load it."""
    place.told.chapter("History is loaded", "A fictional country, cut so that its history ends yesterday.")
    today, months = today_there(datetime.now(UTC)), 13
    start = first_month(today, months).isoformat()
    place.run("generate", "--items", str(items), "--months", str(months), "--start", start, "--out", ".", quiet=True)
    country = cut(place.folder, today)
    for name in TABLES:
        place.run("ingest", f"{name}.parquet", "--mapping", name, quiet=name != "declarations")
    place.told.say("\nThe other five tables are loaded in the same way.")
    place.run("lake", "status")
    return country


def records(place: Place) -> dict[str, str]:
    """Make the records, their first two officers and the shares of the draw; return both officers' tokens."""
    place.told.chapter(
        "Records and shares",
        "The records are set up with two persons, who give rights only together, and the draw's secret is made as two "
        "shares.",
    )
    first = ("--login", ADMINISTRATOR, "--token-to", f"{ADMINISTRATOR}.token")
    place.run("setup", *first, "--inspector", INSPECTORATE, "--inspector-token-to", f"{INSPECTORATE}.token")
    yesterday = (today_there(datetime.now(UTC)) - timedelta(days=1)).isoformat()
    place.run("draw", "shares", "--from", yesterday, "--out-a", "custodian-a.share", "--out-b", "custodian-b.share")
    return {
        who: (place.folder / f"{who}.token").read_text(encoding="utf-8").strip()
        for who in (ADMINISTRATOR, INSPECTORATE)
    }


def started(place: Place, country: Country, tokens: dict[str, str]) -> Tour:
    """Start the service and its worker."""
    place.told.chapter("The service starts", "`serve` answers, `worker` does what the service does by itself.")
    port = free_port()
    client = Client(f"http://127.0.0.1:{port}", place.told, tokens)
    place.start("serve", "--port", str(port), *SHARES)
    place.start("worker", *SHARES, "--heads", "heads.txt")
    tour = Tour(place, place.told, country, client)
    tour.wait_until("the service is ready", client.up)
    client.call("", "GET", "/ready")
    return tour


def officers(tour: Tour) -> None:
    """Add offices, officers and the clearance system, each with a token of its own."""
    tour.told.chapter(
        "Who may do what",
        "The administrator adds offices, officers by their roles, and one client. No officer and no token is good "
        "before the inspectorate confirms it.",
    )
    client = tour.client
    for code, town in tour.country.offices.items():
        client.call(ADMINISTRATOR, "POST", "/api/v1/offices", {"code": code, "name": town}, quiet=True)
    named = {**OFFICERS, **{f"examiner-{code}": ["examiner"] for code in tour.country.offices}}
    for number, (login, roles) in enumerate(named.items()):
        office = login.removeprefix("examiner-") if roles == ["examiner"] else None
        body = {"login": login, "name": login.replace("-", " ").title(), "roles": roles, "office": office}
        asked = client.call(ADMINISTRATOR, "POST", "/api/v1/officers", body, quiet=number > 0)
        confirm = f"/api/v1/grants/{asked['waiting']['number']}/confirm"
        if number == 0:
            client.call(ADMINISTRATOR, "POST", confirm, {}, expect=403)
        client.call(INSPECTORATE, "POST", confirm, {}, quiet=number > 0)
        token_of(tour, login, {"label": f"{login}, own", "officer": login})
    client.call(ADMINISTRATOR, "POST", "/api/v1/clients", {"name": CLEARANCE_SYSTEM}, quiet=True)
    token_of(tour, CLEARANCE_SYSTEM, {"label": "hall 1", "client": CLEARANCE_SYSTEM, "scopes": [*SCOPES]}, quiet=False)


def token_of(tour: Tour, who: str, body: dict[str, object], *, quiet: bool = True) -> None:
    """Issue a token and have it confirmed; keep it for calls, and as a file that its owner alone can read."""
    issued = tour.client.call(ADMINISTRATOR, "POST", "/api/v1/tokens", body, quiet=True)
    if not quiet:
        told = {**issued, "token": "tw_..."}
        tour.told.exchange("POST /api/v1/tokens          # administrator", body, "201 Created", told)
    show = ("number", "label", "state", "issued_by", "decided_by")
    confirm = f"/api/v1/tokens/{issued['number']}/confirm"
    tour.client.call(INSPECTORATE, "POST", confirm, {}, quiet=quiet, show=show)
    tour.client.tokens[who] = issued["token"]
    file = tour.place.folder / f"{who}.token"
    file.touch(mode=0o600)
    file.write_text(issued["token"], encoding="utf-8")


def published(tour: Tour, most: int) -> None:
    """Bring lists, indicators and at most so many profiles of the starter pack into force, by several officers."""
    tour.told.chapter(
        "Profiles are published",
        "The starter pack comes in as the author's drafts and proposals. A second person approves lists and "
        "indicators. A profile takes three: its author tests and submits, an analyst reviews, a risk manager approves "
        "and activates.",
    )
    tour.place.run("starter", "pack")
    reason = "starter pack, adopted for trial"
    tour.place.run("profile", "import", "pack", "--reason", reason, "--token-file", "author.token")
    _approved(tour)
    page = tour.client.call("author", "GET", "/api/v1/profiles?status=draft&limit=1000", quiet=True)
    drafts = sorted(page["entries"], key=lambda one: (one["code"] != SHOWN, one["code"]))[:most]
    for draft in drafts:
        _one_profile(tour, draft, quiet=draft["code"] != SHOWN)
    tour.told.say(f"\nThe other {len(drafts) - 1} profiles go the same way.")
    page = tour.client.call("analyst", "GET", "/api/v1/profiles?status=active&limit=1000", quiet=True)
    tour.outcome.activated = len(page["entries"])
    if tour.outcome.activated != len(drafts):
        raise TourError(f"{tour.outcome.activated} of {len(drafts)} profiles are active")
    tour.wait_until("what was published decides", lambda: _decides_by_the_latest(tour))
    tour.told.say("\nA few seconds later the service decides by them; `/metrics` names the set it uses.")


def _approved(tour: Tour) -> None:
    """Let a second person approve every list and indicator that waits; one call is told."""
    waiting = {
        "lists": tour.client.call("analyst", "GET", "/api/v1/lists?waiting=true&limit=1000", quiet=True),
        "indicators": tour.client.call("analyst", "GET", "/api/v1/indicators?limit=1000", quiet=True),
    }
    for kind, page in waiting.items():
        proposed = [one for one in page["entries"] if one["state"] == "proposed"]
        for number, one in enumerate(proposed):
            path = f"/api/v1/{kind}/{one['name']}/versions/{one['number']}/approve"
            show = ("kind", "name", "number", "state", "direction", "proposed_by", "decided_by")
            body = {"reason": "read and agreed"}
            tour.client.call("risk-manager", "POST", path, body, quiet=kind != "lists" or number > 0, show=show)
        tour.told.say(f"\n{len(proposed)} {kind} are approved so.")


def _one_profile(tour: Tour, draft: dict[str, Any], *, quiet: bool) -> None:
    show = ("code", "number", "status", "author", "reviewer", "approver")
    one = f"/api/v1/profiles/{draft['code']}/versions/{draft['number']}"
    tour.client.call("author", "POST", f"{one}/test", {}, quiet=quiet, show=("before", "after", "report"))
    steps = (
        ("author", "submit", {"reason": "ready"}, 200),
        ("author", "approve", {"reason": "mine"}, 403),
        ("analyst", "review", {"recommendation": "approve", "comment": "reads well"}, 200),
        ("risk-manager", "approve", {"reason": "for the trial"}, 200),
        ("risk-manager", "activate", {"reason": "for the trial"}, 200),
    )
    for who, step, sent, expect in steps:
        if expect != 403 or not quiet:
            tour.client.call(who, "POST", f"{one}/{step}", sent, expect=expect, quiet=quiet, show=show)


def _decides_by_the_latest(tour: Tour) -> bool:
    """Tell whether the service has taken up the set that was published last."""
    with sqlite3.connect(f"file:{tour.place.folder / 'records.sqlite3'}?mode=ro", uri=True) as records:
        (digest,) = records.execute("SELECT set_id FROM records_publication ORDER BY id DESC").fetchone()
    records.close()
    return f'digest="{digest}"' in tour.client.call("", "GET", "/metrics", quiet=True)
