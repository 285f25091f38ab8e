"""What decisions, and all that they left in the records, say now of what their audit events digested.

The event of a decision holds the marks of its goods and its entry in the feed of changes too; events taken before they
held these hold the decision alone, and then nothing newer may stand beside it. What lookouts met is held by the events
that note it, one a group, whatever was met.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Substr

from tidewaiter.actions.audit.kept_content import CHANGED, UNRECORDED, Contents, Reading
from tidewaiter.actions.decisions.meeting import NOTED
from tidewaiter.actions.decisions.traces import (
    AMENDED,
    RECEIVED,
    decision_content,
    marks_content,
    met_content,
    recall_content,
    taken_content,
)
from tidewaiter.actions.examinations.changes import ACTS_CLOSED, LAPSED, OVERRIDE, RISE, rise_content
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.rows import text_digest
from tidewaiter.storage.records import models
from tidewaiter.storage.records.chain import Finding

_TAKE: Final = "decision.take"
_ANNOUNCED: Final = (OVERRIDE, LAPSED, ACTS_CLOSED)

type _Marks = Mapping[int, list[tuple[Any, ...]]]
"""By version (0: not noted) what `marks_content` takes."""


def _decisions(keys: Collection[str]) -> dict[str, Contents]:
    found = list(models.Decision.objects.filter(pk__in=keys))
    named = {one.declaration_id for one in found}
    held = models.Lodgement.objects.filter(declaration_id__in=named)
    digests = {
        (number, version): _as_lodged(digest, rows)
        for number, version, digest, rows in held.values_list("declaration_id", "version", "content_digest", "rows")
    }
    versions: defaultdict[str, set[int]] = defaultdict(set)
    for number, version in digests:
        versions[number].add(version)
    marks, rises = _marks(named), _rises(keys)
    return {
        one.pk: [
            _possible(
                one,
                digests.get((one.declaration_id, one.version), ""),
                marks.get(one.declaration_id, {}),
                versions[one.declaration_id],
                rises.get(one.pk, []),
            )
        ]
        for one in found
    }


def _as_lodged(digest: str, rows: bytes | memoryview) -> str:
    """Return the digest of a declaration's version; empty where its rows are no longer those it was made of."""
    return digest if text_digest(unpacked(rows)) == digest else ""


def _marks(numbers: Collection[str]) -> dict[str, _Marks]:
    found: defaultdict[str, defaultdict[int, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    held = models.Mark.objects.filter(declaration_id__in=numbers)
    fields = ("declaration_id", "version", "kind", "value", "lodged_on", "lodged_at")
    for number, version, *mark in held.values_list(*fields).iterator(2_000):
        found[number][version].append(tuple(mark))
    return dict(found)


def _rises(keys: Collection[str]) -> dict[str, list[models.Rise]]:
    found: defaultdict[str, list[models.Rise]] = defaultdict(list)
    for rise in models.Rise.objects.filter(decision_id__in=keys).exclude(kind__in=_ANNOUNCED).order_by("cursor"):
        found[rise.decision_id].append(rise)
    return dict(found)


def _possible(
    one: models.Decision, lodged: str, marks: _Marks, versions: set[int], rises: list[models.Rise]
) -> list[bytes]:
    """Return what the event of a decision may have digested, as the records stand now.

    Marks of no version that was received are nobody's: they are told at the declaration's first decision.
    """
    if one.ordinal == 1 and not versions >= set(marks) - {0}:
        return []
    possible = []
    if 0 not in marks or one.ordinal > 1:
        left = marks.get(one.version, []) if one.cause in RECEIVED else []
        possible.append(taken_content(one, lodged, marks_content(left), rises))
    if one.counted_on is None and (one.cause not in RECEIVED or one.version not in marks) and _as_before(one, rises):
        possible.append(decision_content(one, lodged))
    return possible


def _as_before(one: models.Decision, rises: list[models.Rise]) -> bool:
    """Tell whether entries of the feed are as they were written when events did not hold them: each beside its event.

    Nothing else of them can be told.
    """
    about = f"decision:{one.pk}"
    return all(
        (rise.kind, rise.declaration_id, rise.after, rise.at) == (RISE, one.declaration_id, one.channel, one.decided_at)
        and models.AuditEvent.objects.filter(pk=rise.cursor, record=about, action=_TAKE).exists()
        for rise in rises
    )


def _decision_keys() -> Iterator[str]:
    return models.Decision.objects.order_by("pk").values_list("pk", flat=True).iterator(2_000)


def _announced() -> QuerySet[models.Rise]:
    """Return the entries of persons and of time; those whose event holds no content yet are as they were written."""
    bare = models.AuditEvent.objects.filter(
        pk=OuterRef("cursor"), digest="", action=Concat(Value("change."), OuterRef("kind")),
        record=Concat(Value("declaration:"), OuterRef("declaration_id")),
    )  # fmt: skip
    return models.Rise.objects.filter(kind__in=_ANNOUNCED).exclude(Exists(bare))


def _changes(keys: Collection[str]) -> dict[str, Contents]:
    found: defaultdict[str, list[list[bytes]]] = defaultdict(list)
    for rise in _announced().filter(declaration_id__in=keys).order_by("cursor"):
        found[rise.declaration_id].append([rise_content(rise)])
    return dict(found)


def _changed_keys() -> Iterator[str]:
    return iter(_announced().order_by("declaration_id").values_list("declaration_id", flat=True).distinct())


def _recalls(keys: Collection[str]) -> dict[str, Contents]:
    held = models.Recall.objects.filter(pk__in=[int(key) for key in keys if key.isdecimal()])
    return {str(one.pk): [[recall_content(one)]] for one in held}


def _recalls_recorded() -> QuerySet[models.Recall]:
    """Return goods listed for recall, without those that were listed when only their number had an event.

    These too have an event of their own once they are settled.
    """
    counted = models.AuditEvent.objects.filter(
        record=Substr(Concat(Value("recalled:"), OuterRef("cause")), 1, 200), at=OuterRef("listed_at"),
        action="declaration.recall",
    )  # fmt: skip
    amended = models.Decision.objects.filter(
        declaration_id=OuterRef("declaration_id"), decided_at=OuterRef("listed_at"), cause=AMENDED, counted_on=None,
        body=OuterRef("body"),
    )  # fmt: skip
    bare = Q(Exists(counted)) | Q(Exists(amended))
    return models.Recall.objects.exclude(bare, settled_at=None)


def _recall_keys() -> Iterator[str]:
    return map(str, _recalls_recorded().order_by("pk").values_list("pk", flat=True).iterator(2_000))


def _met(keys: Collection[str]) -> dict[str, Contents]:
    """Return what was noted at each moment; nothing may have been."""
    found: dict[str, list[dict[str, object]]] = {key: [] for key in keys}
    moments: dict[str, Any] = {}
    fields = ("reference", "declaration_id", "consignment_id", "version", "certainty", "value")
    held = models.LookoutMatch.objects.filter(noted__in=keys).annotate(named=F("lookout__reference"))
    for key, at, named, *rest in held.values_list("noted", "met_at", "named", *fields):
        alone = moments.setdefault(key, at) == at
        found[key].append(dict(zip(fields, rest, strict=True)) | {"lookout": named if alone else ""})
    return {key: [[met_content(lines, moments.get(key))]] for key, lines in found.items()}


def settled() -> QuerySet[models.LookoutMatch]:
    """Return the matches that were confirmed or cleared: each has an event that says so."""
    return models.LookoutMatch.objects.exclude(state="open")


def settled_keys() -> Iterator[str]:
    """Return their references."""
    return iter(settled().order_by("pk").values_list("reference", flat=True))


DECISIONS: Final[tuple[Reading, ...]] = (
    Reading(
        kind="decision",
        contents=_decisions,
        actions=frozenset({_TAKE}),
        once=True,
        count=models.Decision.objects.count,
        every=_decision_keys,
    ),
    Reading(
        kind="declaration",
        contents=_changes,
        actions=frozenset({f"change.{kind}" for kind in _ANNOUNCED}),
        count=lambda: _announced().values("declaration_id").distinct().count(),
        every=_changed_keys,
    ),
    Reading(
        kind="recall", contents=_recalls, whole=False, count=lambda: _recalls_recorded().count(), every=_recall_keys
    ),
    Reading(kind="matches", contents=_met, actions=frozenset({NOTED}), once=True),
)
"""Every reading of decisions and of what they left."""


def match_findings() -> Iterator[Finding]:
    """Name moments that no event speaks of, at which something is said to have been met; never what was."""
    spoken = models.AuditEvent.objects.filter(
        record=Concat(Value("matches:"), OuterRef("noted"), output_field=CharField()), action=NOTED
    )
    named = models.LookoutMatch.objects.exclude(noted="").exclude(Exists(spoken))
    for key in named.order_by("noted").values_list("noted", flat=True).distinct().iterator(2_000):
        yield _nothing_says(f"matches:{key}")
    first = models.AuditEvent.objects.filter(record__startswith="matches:", action=NOTED).order_by("pk").first()
    if first is not None:
        loose = models.LookoutMatch.objects.filter(noted="", met_at__gt=first.at).order_by("met_at")
        for at in loose.values_list("met_at", flat=True).distinct().iterator(2_000):
            yield _nothing_says(f"matches:{at.isoformat()}")


def _nothing_says(record: str) -> Finding:
    text = f"{record} has no event, or not all that stands there: it was written behind the service's back"
    return Finding(kind=UNRECORDED, text=text, record=record)


def draw_findings(numbers: Collection[str]) -> Iterator[Finding]:
    """Name those of the declarations that no longer stand by the draw of their decisions."""
    other = models.Decision.objects.filter(declaration_id=OuterRef("pk")).exclude(
        identity=OuterRef("identity"), draw_day=OuterRef("draw_day")
    )
    held = models.Declaration.objects.filter(pk__in=numbers).filter(Exists(other))
    for number in held.order_by("pk").values_list("pk", flat=True):
        record = f"declaration:{number}"
        text = (
            f"{record} is drawn by another identity or day than its decisions were: changed behind the service's back"
        )
        yield Finding(kind=CHANGED, text=text, record=record)
