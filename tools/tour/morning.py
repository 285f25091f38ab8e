"""The last chapters: the next morning the inspectorate checks the draw, the audit chain and a decision."""

import shutil
import sqlite3

from tools.tour.opening import SHARES
from tools.tour.place import TourError
from tools.tour.tour import Tour


def draw_verified(tour: Tour) -> None:
    """Open the day's key by two persons and check every drawn and undrawn declaration."""
    tour.told.chapter(
        "The draw is verified",
        "The next morning, all goods released: the inspectorate and a second officer open the key of the day together. "
        "The check makes every draw again. (From here on commands run by a clock one day ahead.)",
    )
    day = tour.country.today.isoformat()
    tokens = ("--token-file", "inspectorate.token", "--second-token-file", "risk-manager.token")
    opening = ("draw", "open", "--day", day, "--out", "day.key", *tokens, *SHARES)
    tour.place.run(*opening, exit_code=2)
    tour.told.say("\nToo early: the day is not over. The next morning:")
    tour.place.run("draw", "state", days_ahead=1)
    tour.place.run(*opening, days_ahead=1)
    check = ("draw", "verify", "--day", day, "--key-file", "day.key", "--token-file", "inspectorate.token")
    tour.outcome.drawn = tour.place.run(*check, days_ahead=1)


def audit_verified(tour: Tour) -> None:
    """Verify the chain against the heads lodged outside; then see that an altered copy is found out."""
    tour.told.chapter(
        "The audit chain is verified",
        "Every write, every read of something restricted and every refusal is an event, chained by hashes. Heads of "
        "the chain were lodged in a file outside the database.",
    )
    verify = ("audit", "verify", "--head", "heads.txt")
    tour.place.run("audit", "lodge", "heads.txt", days_ahead=1)
    tour.outcome.audit = tour.place.run(*verify, days_ahead=1)
    tour.told.say("\nWhat if somebody with the database in hand alters a copy of the records?")
    statements = alterations(tour.outcome.suspicious["decision_id"])
    name = altered_copy(tour, statements)
    tour.told.console([f"$ cp records.sqlite3 {name}", *(f'$ sqlite3 {name} "{one}"' for one in statements)])
    tour.outcome.tampered = tour.place.run(*verify, days_ahead=1, exit_code=1, database=name)


def alterations(decision: str) -> list[str]:
    """Return what is done behind the service's back: an actor changed, an event removed, a decision made green."""
    return [
        "UPDATE records_auditevent SET actor = 'system:service' WHERE sequence = 20",
        "DELETE FROM records_auditevent WHERE sequence = 40",
        f"UPDATE records_decision SET channel = 'green' WHERE id = '{decision}'",
    ]


def altered_copy(tour: Tour, statements: list[str]) -> str:
    """Copy the records and alter the copy; return its name."""
    copy = tour.place.folder / "altered.sqlite3"
    shutil.copy(tour.place.folder / "records.sqlite3", copy)
    altered = sqlite3.connect(copy)
    for statement in statements:
        altered.execute(statement)
    altered.commit()
    altered.close()
    return copy.name


def replayed(tour: Tour) -> None:
    """Replay decisions: recompute them from what was known then."""
    tour.told.chapter(
        "A decision is replayed",
        "Recomputed from the stored facts by the set it names; apart from that the facts are made again from the lake.",
    )
    for number in (tour.outcome.suspicious["decision_id"], tour.outcome.risen["decision"]["decision_id"]):
        printed = tour.place.run("replay", number, "--token-file", "inspectorate.token", days_ahead=1)
        tour.outcome.replays.append(printed)
        if "identical" not in printed:
            raise TourError(f"{number} is not identical: {printed}")
