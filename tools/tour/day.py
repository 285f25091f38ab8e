"""The chapters of the day: declarations are decided, examined, and raised while in flight."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from tools.tour.opening import CLEARANCE_SYSTEM
from tools.tour.place import TourError
from tools.tour.tour import Tour, instant

DECISIONS = "/api/v1/decisions"
TASKS = {"red": "physical", "orange": "scan", "yellow": "documents"}


def decided(tour: Tour) -> None:
    """Send one declaration, then the rest of the day; again; with other content; and one that cannot be read."""
    tour.told.chapter(
        "Declarations in, channels out",
        "One declaration of sports shoes under the code of shoe parts. The answer has channel, treatments and what to "
        "check in one form for every reason; it never says why.",
    )
    call, document = tour.client.call, suspicious(tour.country.documents[0])
    tour.outcome.suspicious = call(CLEARANCE_SYSTEM, "POST", DECISIONS, document, expect=201)
    batch(tour, tour.country.documents[1:])
    tour.told.say("\nThe same request again gives the same stored answer (200, not 201):")
    again = call(CLEARANCE_SYSTEM, "POST", DECISIONS, document, expect=200, quiet=True)
    tour.outcome.repeated = again["decision_id"] == tour.outcome.suspicious["decision_id"]
    asked = f"POST {DECISIONS}          # {CLEARANCE_SYSTEM}"
    told = {
        name: again[name] for name in ("decision_id", "channel", "current_channel", "current_decision", "acts_open")
    }
    tour.told.exchange(asked, {"...": "the same declaration"}, "200 OK", told)
    tour.told.say(
        "\nThe same version with other content is refused, and so is what cannot be read, every problem told:"
    )
    other = {**document, "version": 1, "importer_code": "OTHER"}
    _refused(
        tour, "other content", DECISIONS, other, 409, sent={"declaration_id": other["declaration_id"], "version": 1}
    )
    unreadable = {"declaration_id": "X-1", "lodged_at": "today", "flow": "imports", "items": [{"itm_number": 1}]}
    _refused(tour, "unreadable", DECISIONS, unreadable, 422, sent=unreadable)


def _refused(tour: Tour, what: str, path: str, body: object, status: int, *, sent: object) -> None:
    told = tour.client.call(CLEARANCE_SYSTEM, "POST", path, body, expect=status, quiet=True)
    phrase = {409: "409 Conflict", 422: "422 Unprocessable Entity"}[status]
    tour.told.exchange(f"POST {path}          # {CLEARANCE_SYSTEM}", sent, phrase, told)
    tour.outcome.refused[what] = status


def suspicious(document: dict[str, Any]) -> dict[str, Any]:
    """Return a declaration that a profile of the starter pack selects for certain."""
    item = {**document["items"][0], "hs_code": "640690", "description": "SPORTS SHOES with leather uppers"}
    return {**document, "flow": "import", "lodged_at": instant(), "items": [item]}


def batch(tour: Tour, documents: list[dict[str, Any]]) -> None:
    """Send the rest of the day's declarations in one request."""
    sent = {"declarations": [{**one, "lodged_at": instant()} for one in documents]}
    answered = tour.client.call(CLEARANCE_SYSTEM, "POST", f"{DECISIONS}/batch", sent, quiet=True)
    decisions = [entry["decision"] for entry in answered["answers"] if entry["status"] == "decided"]
    if len(decisions) != len(documents):
        raise TourError(f"of {len(documents)} declarations, {len(decisions)} were decided: {answered}")
    one = tour.outcome.suspicious
    channels = {one["declaration_id"]: one["channel"]} | {each["declaration_id"]: each["channel"] for each in decisions}
    tour.outcome.channels = channels
    counted = {channel: list(channels.values()).count(channel) for channel in sorted(set(channels.values()))}
    told = {"answers": [f"{len(decisions)} decisions"]}
    request = f"POST {DECISIONS}/batch          # {CLEARANCE_SYSTEM}"
    tour.told.exchange(request, {"declarations": [f"{len(documents)} declarations"]}, "200 OK", told)
    tour.told.say(f"\nChannels of the day so far: {', '.join(f'{count} {name}' for name, count in counted.items())}.")


def traced(tour: Tour) -> None:
    """Show what is behind the decision, to a cleared officer and to nobody else."""
    tour.told.chapter(
        "Why? Cleared officers see all of it", "Each read of a trace is recorded. An examiner may not read it."
    )
    path = f"{DECISIONS}/{tour.outcome.suspicious['decision_id']}/trace"
    whole = tour.client.call("analyst", "GET", path, quiet=True)
    names = ("cause", "set", "policy", "statistics_day", "draw")
    part = {name: whole[name] for name in names} | {"reasons": whole["decision"]["reasons"]}
    part |= {"selection_probability": whole["decision"].get("selection_probability")}
    part["items"] = [f"{len(whole['items'][0])} facts as they were known"]
    tour.told.exchange(f"GET {path}          # analyst", None, "200 OK", part)
    examiner = f"examiner-{tour.country.documents[0]['office']}"
    tour.client.call(examiner, "GET", path, expect=403)
    tour.outcome.refused["trace to an examiner"] = 403


def examined(tour: Tour) -> None:
    """Let the examiner drawn see what to check, and enter the result."""
    tour.told.chapter(
        "The examination",
        "The worker gives each act to an examiner of the office, drawn by the day's key. The examiner sees what to "
        "check.",
    )
    declaration = tour.outcome.suspicious["declaration_id"]
    examiner = f"examiner-{tour.country.documents[0]['office']}"

    def own() -> list[Any]:
        acts = tour.client.call(examiner, "GET", "/api/v1/acts", quiet=True)
        return [act for act in acts if act["declaration_id"] == declaration]

    tour.outcome.examiner_saw = tour.wait_until("the act is assigned", own)
    act = next(one for one in tour.outcome.examiner_saw if one["kind"] == TASKS[tour.outcome.suspicious["channel"]])
    tour.client.call(examiner, "GET", f"/api/v1/acts/{act['act_id']}")
    found = {
        "outcome": "found_as_suspected",
        "categories": ["MISCLASSIFICATION"],
        "items": ["1"],
        "share_examined": 1,
        "duty_assessed": 1840.50,
        "officer_minutes": 55,
        "note": "Complete shoes; declared again under 6404.",
    }
    tour.outcome.result = tour.client.call(examiner, "POST", f"/api/v1/acts/{act['act_id']}/result", found)


def raised(tour: Tour) -> None:
    """Raise a lookout on goods in flight that were green, and see their channel rise in the feed."""
    tour.told.chapter(
        "A lookout; goods in flight rise",
        "A container of a green declaration that is not yet released. Nobody asks again: within seconds the worker "
        "decides the goods in flight again, and the feed of changes tells the clearance system.",
    )
    declaration, container = _green_in_a_container(tour)
    feed = f"{DECISIONS}/changes"
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="seconds")
    lookout = {
        "kind": "container",
        "action": "examine",
        "values": [container],
        "reason": "Partner service: the container was opened at sea.",
        "contact": "duty officer, extension 7",
        "instruction": "Check the seals; open the container in the presence of two officers.",
        "expires_at": until,
    }
    show = ("reference", "kind", "action", "values", "state", "raised_at")
    before = tour.client.call(CLEARANCE_SYSTEM, "GET", feed, quiet=True)["next"]
    tour.client.call("intelligence", "POST", "/api/v1/lookouts", lookout, show=show)
    began = monotonic()

    def rise() -> list[Any]:
        changes = tour.client.call(CLEARANCE_SYSTEM, "GET", f"{feed}?after={before}", quiet=True)["changes"]
        return [change for change in changes if change["declaration_id"] == declaration]

    tour.outcome.risen = tour.wait_until("the declaration rises", rise)[0]
    tour.outcome.seconds_to_rise = monotonic() - began
    tour.client.call(CLEARANCE_SYSTEM, "GET", f"{feed}?after={before}")
    tour.told.say(f"\nIt took {tour.outcome.seconds_to_rise:.1f} seconds. The answer says what to check, and not why.")


def _green_in_a_container(tour: Tour) -> tuple[str, str]:
    for document in tour.country.documents:
        containers = [one for item in document["items"] for one in item.get("containers", [])]
        if containers and tour.outcome.channels[document["declaration_id"]] == "green":
            return document["declaration_id"], containers[0]
    raise TourError("nothing green came in a container today: take another seed")


def released(tour: Tour) -> None:
    """Report the release of all goods."""
    tour.told.chapter("Release", "The clearance system reports what happened to goods, one by one or many at once.")
    numbers = list(tour.outcome.channels)
    events = [{"kind": "released", "occurred_at": instant(), "declaration_id": number} for number in numbers]
    tour.client.call(CLEARANCE_SYSTEM, "POST", "/api/v1/events", events[0], expect=201)
    answer = tour.client.call(CLEARANCE_SYSTEM, "POST", "/api/v1/events/batch", {"events": events[1:]}, quiet=True)
    kept = [one for one in answer["answers"] if one["status"] == "kept"]
    if len(kept) != len(numbers) - 1:
        raise TourError(f"{len(kept)} of {len(numbers) - 1} releases were kept")
    tour.told.exchange(
        f"POST /api/v1/events/batch          # {CLEARANCE_SYSTEM}",
        {"events": [f"{len(kept)} events"]},
        "200 OK",
        {"answers": [f"{len(kept)} kept"]},
    )


def stopped(tour: Tour) -> None:
    """Stop the service as its operator does: SIGTERM, and what is under way is answered first."""
    tour.told.chapter("The service stops", "SIGTERM: calls under way get their answers, then both end.")
    for name in ("serve", "worker"):
        tour.outcome.stopped[name] = tour.place.stop(name)
    ends = [f"$ kill $({name})     # exit code {code}" for name, code in tour.outcome.stopped.items()]
    tour.told.console(ends)
