"""The whole tour, chapter by chapter."""

from pathlib import Path

from tools.tour import day, morning, opening
from tools.tour.country import wait_for_midnight_to_pass
from tools.tour.place import Place
from tools.tour.told import Told
from tools.tour.tour import Outcome


def run(folder: Path, told: Told, *, items: int, profiles: int) -> Outcome:
    """Run the tour in an empty folder and return what came out. Raises TourError at the first step that fails.

    Whatever it started is ended, also then.
    """
    wait_for_midnight_to_pass()
    place = Place(folder, told)
    try:
        country = opening.history(place, items)
        tokens = opening.records(place)
        tour = opening.started(place, country, tokens)
        opening.officers(tour)
        opening.published(tour, profiles)
        for chapter in (day.decided, day.traced, day.examined, day.raised, day.released, day.stopped):
            chapter(tour)
    finally:
        place.stop_all()
    for chapter in (morning.draw_verified, morning.audit_verified, morning.replayed):
        chapter(tour)
    return tour.outcome


INTRODUCTION = """# The service, from the first declaration to the last check

Recorded with `make tour`, which anyone can run: a fictional country of 20,000 items, the service as two processes,
calls over HTTP, and what the auditors do the next morning. Long answers are cut, and say so. Who calls stands behind
each call; the token itself goes in the header `Authorization: Bearer TOKEN`. Companies and persons are made up.
"""


def page(told: Told) -> str:
    """Return the recorded page."""
    return INTRODUCTION + told.text
