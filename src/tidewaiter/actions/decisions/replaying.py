"""Replay: a stored decision recomputed from what was known then.

Routing is recomputed from the stored facts, circumstances and fractions drawn, by the published set the decision
names: it must be identical. Apart from that, the facts are made again from the lake as it is now, and what differs is
told: late rows and corrections change facts without making the decision wrong.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.decisions.blinding import decision_seen, refuse_examiner
from tidewaiter.actions.decisions.fact_making import rebuilt_facts
from tidewaiter.actions.decisions.flight import lodged_rows
from tidewaiter.actions.decisions.standing import made_ready, registered
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.profiles.publishing import SetContent, catalogue_then, set_content
from tidewaiter.actions.rows import rows_from_json
from tidewaiter.core.decision import Decision, ReasonKind
from tidewaiter.core.decision_json import decision_from_json, decision_to_json
from tidewaiter.core.errors import InputError, NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.tables import CONSIGNMENTS
from tidewaiter.engines.selection.live import replay as recomputed
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import record_digest

type Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as it was: where, what it was then and what it is now."""

    place: str
    then: object
    now: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What replay found. `identical` speaks of the routing; `facts` are differences of the facts rebuilt now.

    `notes` say what could not be compared and why: a catalogue of another version, a lake without the rows.
    """

    decision_id: str
    identical: bool
    routing: tuple[Difference, ...]
    facts: tuple[Difference, ...]
    notes: tuple[str, ...]


@action("decision.replay", reads=True)
def replay_decision(*, decision_id: str, lake: Lake | None, catalogue: Catalogue, by: Actor, at: datetime) -> Replayed:
    """Recompute a stored decision and say whether it is identical; with a lake, make its facts again beside it.

    The set is read with the fact catalogue of its time where that was kept; what can no longer be read is a difference.
    Raises NotKnownError for a decision or set that is not there; what was purged, a lookout it met included, says so.
    """
    if models.Tombstone.objects.filter(kind="decision", record_digest=tombstone_digest(decision_id)).exists():
        raise NotKnownError(f"decision {decision_id} is not replayable: purged")
    stored = decision_seen(decision_id, by, "decision.replay")
    refuse_examiner(stored, by)
    record(f"decision:{stored.pk}")
    read_with = catalogue_then(stored.catalogue, catalogue)
    then = decision_from_json(json.loads(unpacked(stored.body))["decision"])
    facts = json.loads(unpacked(stored.facts))
    try:
        content = set_content(stored.set_id, read_with)
    except InputError as error:
        return _unreadable(stored, error)
    _refuse_purged(stored.pk, then, content)
    lodgement = models.Lodgement.objects.get(declaration_id=stored.declaration_id, version=stored.version)
    rows = lodged_rows(lodgement)
    filing = rows_from_json(json.dumps([facts["filing"]]), CONSIGNMENTS)[0] if facts["filing"] else None
    try:
        live = made_ready(content, read_with, stored.decided_on)
        now = recomputed(then, live, facts["items"], declared=rows, consignment=filing)
        routing = tuple(_differences(decision_to_json(then), decision_to_json(now), "decision"))
    except NotKnownError as error:
        routing = (Difference("decision", "decided", str(error)),)
    declared = registered(rows, content, stored.decided_on)
    notes, rebuilt = _rebuilt(stored, declared, facts["items"], lake, catalogue)
    return Replayed(decision_id=stored.pk, identical=not routing, routing=routing, facts=rebuilt, notes=notes)


def _unreadable(stored: models.Decision, error: InputError) -> Replayed:
    """Return that the set cannot be read any more: what it names that the fact catalogue no longer has."""
    why = f"cannot be read with the fact catalogue of now, and catalogue {stored.catalogue} was not kept"
    gone = tuple(Difference("set", "read", f"{why}: {problem}") for problem in error.problems)
    return Replayed(
        decision_id=stored.pk, identical=False, routing=gone, facts=(), notes=("nothing could be recomputed",)
    )


def _refuse_purged(number: str, then: Decision, content: SetContent) -> None:
    """Raise NotKnownError where a lookout that mattered was purged from the set since."""
    named = {one.reference for one in then.lookouts} | then.circumstances.cleared | then.circumstances.confirmed
    named |= {one.code for one in then.reasons if one.kind is ReasonKind.LOOKOUT}
    gone = [record_digest(f"lookout:{one}") for one in named - {one.reference for one in content.lookouts}]
    if models.Tombstone.objects.filter(kind="lookout", record_digest__in=gone).exists():
        raise NotKnownError(f"decision {number} is not replayable: purged: a lookout that it met")


def tombstone_digest(decision_id: str) -> str:
    """Return what a purged decision is known by."""
    return hashlib.sha256(f"decision:{decision_id}".encode()).hexdigest()


def _rebuilt(
    stored: models.Decision, rows: Sequence[Json], then: Sequence[Json], lake: Lake | None, catalogue: Catalogue
) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
    if lake is None:
        return ("facts were not made again: no lake was given",), ()
    notes: list[str] = []
    if stored.catalogue != catalogue.version:
        notes.append("the fact catalogue has another version now: facts may differ by their meaning")
    names = [name for name in then[0] if name in catalogue]
    gone = [name for name in then[0] if name not in catalogue and name not in _KEY]
    if gone:
        notes.append(f"the catalogue no longer has {', '.join(sorted(gone))}")
    found = rebuilt_facts(lake, catalogue, rows, stored.decided_on, stored.statistics_day, names)
    notes.append("same-day counts are those of the lake; decisions counted them in the records")
    same_day = {fact.name for fact in catalogue if fact.origin == "same-day"}
    differences = [
        Difference(f"item {was['item_number']}: {name}", was[name], now[name])
        for was, now in zip(then, found, strict=True)
        for name in names
        if name not in same_day and was[name] != now[name]
    ]
    return tuple(notes), tuple(differences)


_KEY = ("declaration_id", "version", "item_number")


def _differences(then: object, now: object, place: str) -> list[Difference]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        names = sorted({*then, *now})
        return [one for name in names for one in _differences(then.get(name), now.get(name), f"{place}.{name}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [one for number, (was, is_now) in pairs for one in _differences(was, is_now, f"{place}[{number}]")]
    return [] if then == now else [Difference(place, then, now)]
