"""What acts, results and all that comes of an examination say now of what their audit events digested."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Final

from tidewaiter.actions.audit.kept_content import Contents, Reading
from tidewaiter.actions.examinations.assignments import assignment_content
from tidewaiter.actions.examinations.capacity import choice_content
from tidewaiter.actions.examinations.conduct import conduct_content
from tidewaiter.actions.examinations.reexaminations import lot_content, roster_content
from tidewaiter.actions.packing import to_json
from tidewaiter.storage.records import models


def _opened(keys: Collection[str]) -> dict[str, Contents]:
    return {
        one.pk: [
            [
                to_json(
                    {
                        "decision": one.decision_id,
                        "kind": one.kind,
                        "due_on": (one.deferred_from or one.due_on).isoformat(),
                        "office": one.office,
                    }
                ).encode()
            ]
        ]
        for one in models.Act.objects.filter(pk__in=keys)
    }


def _act_keys() -> Iterator[str]:
    return models.Act.objects.order_by("pk").values_list("pk", flat=True).iterator(2_000)


def _results(keys: Collection[str]) -> dict[str, Contents]:
    """Return every version of an act's result, in order; the service's own has its row only."""
    found: defaultdict[str, list[list[bytes]]] = defaultdict(list)
    for one in models.Result.objects.filter(act_id__in=keys).order_by("act_id", "version"):
        entered = json.dumps([one.row, one.note, one.reason], sort_keys=True).encode()
        found[one.act_id].append([entered, to_json(one.row).encode("utf-8", "surrogatepass")])
        stated = (one.row.get("state"), one.row.get("outcome"))
        if stated != (one.state, one.outcome):
            found[one.act_id][-1] = []
    return dict(found)


def _result_keys() -> Iterator[str]:
    return models.Result.objects.order_by("act_id").values_list("act_id", flat=True).distinct().iterator(2_000)


def _assigned(keys: Collection[str]) -> dict[str, Contents]:
    held = models.Assignment.objects.filter(subject__in=keys).select_related("officer")
    return {one.subject: [[assignment_content(one)]] for one in held}


def _replaced(keys: Collection[str]) -> dict[str, Contents]:
    found: defaultdict[str, Contents] = defaultdict(list)
    for one in models.Replacement.objects.filter(act_id__in=keys).select_related("after").order_by("pk"):
        content = f"{one.after.reference} {one.reason}".encode("utf-8", "surrogatepass")
        found[one.act_id] = [*found[one.act_id], [content]]
    return dict(found)


def _lots(keys: Collection[str]) -> dict[str, Contents]:
    """Return what a lot digested: drawn with its roster, or, where nobody was on duty, the roster drawn later."""
    return {
        one.act_id: [[lot_content(one), roster_content(one)]]
        for one in models.Reexamination.objects.filter(act_id__in=keys)
    }


def _conducted(keys: Collection[str]) -> dict[str, Contents]:
    """Return what was last noted of how an act is conducted."""
    return {one.pk: [[conduct_content(one)]] for one in models.Act.objects.filter(pk__in=keys)}


def _capacity(keys: Collection[str]) -> dict[str, Contents]:
    """Return every choice about a hit beyond capacity, in order."""
    found: defaultdict[str, list[list[bytes]]] = defaultdict(list)
    for one in models.CapacityDecision.objects.filter(decision_id__in=keys).order_by("pk"):
        found[one.decision_id].append([choice_content(one)])
    return dict(found)


EXAMINATION: Final[tuple[Reading, ...]] = (
    Reading(
        kind="act",
        contents=_opened,
        actions=frozenset({"act.open"}),
        once=True,
        count=models.Act.objects.count,
        every=_act_keys,
    ),
    Reading(
        kind="act",
        contents=_results,
        actions=frozenset({"result.record", "result.correct", "act.close"}),
        count=models.Result.objects.values("act_id").distinct().count,
        every=_result_keys,
    ),
    Reading(kind="act", contents=_assigned, actions=frozenset({"act.assign"}), once=True),
    Reading(kind="act", contents=_replaced, actions=frozenset({"act.replace"})),
    Reading(kind="act", contents=_lots, actions=frozenset({"act.reexamine"}), whole=False),
    Reading(kind="act", contents=_conducted, actions=frozenset({"act.conduct"}), whole=False),
    Reading(kind="decision", contents=_capacity, actions=frozenset({"capacity.defer", "capacity.waive"})),
)
