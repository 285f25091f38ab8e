"""Which lookouts, requests and matches that lists of retention name are above a reader's clearance."""

from collections.abc import Iterable

from tidewaiter.actions.acting import Actor, officer_of
from tidewaiter.actions.decisions.blinding import unseen
from tidewaiter.actions.rights import granting
from tidewaiter.storage.records.models import LookoutMatch
from tidewaiter.storage.records.visibility import visible_to


def unseen_records(named: Iterable[str], by: Actor) -> frozenset[str]:
    """Return those of the records (`kind:number`) that are not to be named to the reader; a purged one is among them.

    None for whoever may make a purge list or place a hold, for both are made by naming what they are about.
    """
    officer = officer_of(by)
    if officer.holds(*granting("purge.make"), *granting("hold.place")):
        return frozenset()
    keys: dict[str, set[str]] = {}
    for one in named:
        kind, _, key = one.partition(":")
        keys.setdefault(kind, set()).add(key)
    found = {f"{kind}:{key}" for kind in ("lookout", "request") for key in unseen(frozenset(keys.get(kind, ())), by)}
    matches = keys.get("match", set())
    met = LookoutMatch.objects.filter(reference__in=matches)
    seen = visible_to(officer, met, granting("lookout.read")).values_list("reference", flat=True)
    return frozenset(found | {f"match:{key}" for key in matches - set(seen)})
