"""What officers did in a period, read from the records as the values that the integrity checks want."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from tidewaiter.actions.audit.integrity_edits import filings, list_edits, lookout_edits, trader_edits
from tidewaiter.actions.audit.integrity_findings import entered_findings
from tidewaiter.actions.audit.integrity_lots import candidates, lots
from tidewaiter.actions.audit.integrity_recalls import settlements
from tidewaiter.actions.audit.integrity_rules import rule_edits
from tidewaiter.actions.examinations.acts import CLOSED
from tidewaiter.actions.examinations.audit_outcomes import found_by_audit
from tidewaiter.core.channel import Channel
from tidewaiter.core.tables.results import FOUND
from tidewaiter.engines.integrity.assignments import Assignment
from tidewaiter.engines.integrity.cleared import Clearance, with_observed_rosters
from tidewaiter.engines.integrity.overrides import Override, Selected
from tidewaiter.engines.integrity.screen import Work
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import Act, Declaration, Lookout, ProfileVersion

_KINDS: Final = ("physical", "scan", "documents")
"""The kind of act that stands for a declaration with several: the first of these."""

SELECTING: Final = tuple(channel.value for channel in Channel if channel.selects)


def work_of(
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    lookouts: QuerySet[Lookout] | None = None,
    versions: QuerySet[ProfileVersion] | None = None,
) -> Work:
    """Return what was done from start to end (not included); days are those of the time zone.

    `lookouts` and `versions` of profiles are those the reader may see (None: none). Where an act had no lot, the roster
    is who worked that month.
    Second examinations are left out of clearances: two officers looked, and only the first was drawn by the first lot.
    """
    acts = _acts(start, end)
    declarations = Declaration.objects.in_bulk({act.declaration_id for act in acts})
    rules = rule_edits(start, end, load_catalogue(), versions)
    edits = (*list_edits(start, end), *trader_edits(start, end), *lookout_edits(start, end, lookouts), *rules.edits)
    overrides, lowered = _overrides(start, end)
    return Work(
        clearances=tuple(with_observed_rosters(tuple(_clearances(acts, declarations, zone)))),
        selected=tuple(_selected(start, end, lowered)),
        overrides=overrides,
        edits=edits,
        edit_notes=rules.notes,
        filings=tuple(filings(edits, start, end)),
        assignments=tuple(_assignments(acts, declarations)),
        lots=tuple(lots(start, end)),
        findings=tuple(entered_findings(start, end)),
        settlements=tuple(settlements(start, end)),
    )


def _acts(start: datetime, end: datetime) -> list[Act]:
    """Return the acts that officers closed in the period."""
    closed = Act.objects.filter(state=CLOSED, closed_at__gte=start, closed_at__lt=end, officer__isnull=False)
    looked = closed.filter(results__by__isnull=False).distinct()
    return list(looked.select_related("officer", "decision").prefetch_related("results", "replacements").order_by("pk"))


def _clearances(acts: Iterable[Act], declarations: Mapping[str, Declaration], zone: ZoneInfo) -> Iterator[Clearance]:
    grouped: defaultdict[str, list[Act]] = defaultdict(list)
    for act in acts:
        if act.reexamines_id is None and act.declaration_id in declarations:
            grouped[act.declaration_id].append(act)
    drawn = _drawn([act.pk for held in grouped.values() for act in held])
    for number, held in sorted(grouped.items()):
        first = min(held, key=lambda act: (_KINDS.index(act.kind), act.pk))
        lot = drawn.get(first.pk)
        assert first.officer is not None
        assert first.closed_at is not None
        yield Clearance(
            declaration_id=number,
            declarant=declarations[number].declarant_code,
            office=first.office,
            officer=first.officer.login,
            cleared_on=first.closed_at.astimezone(zone).date(),
            found=_found(held),
            by_draw=lot is not None and lot.officer_id == first.officer_id,
            roster={} if lot is None else candidates(lot.roster),
            identity=first.decision.identity,
            control=f"{first.kind}, random" if first.decision.in_random_sample else first.kind,
        )


def _drawn(acts: Collection[str]) -> dict[str, models.Assignment]:
    rows = models.Assignment.objects.filter(subject__in=acts).select_related("officer")
    return {row.subject: row for row in rows}


def _found(acts: Iterable[Act]) -> bool | None:
    """Return whether something was found, nothing was, or no final result says (None)."""
    known = [found for act in acts if (found := _found_by(act)) is not None]
    return any(known) if known else None


def _found_by(act: Act) -> bool | None:
    latest = max(act.results.all(), key=lambda one: one.version, default=None)
    if latest is None or latest.state != "final":
        return None
    return True if latest.outcome in FOUND else False if latest.outcome == "nothing_found" else None


def _selected(start: datetime, end: datetime, lowered: Collection[str]) -> Iterator[Selected]:
    """Give every declaration that was selected in the period, and those lowered in it."""
    decided = Q(decided_at__gte=start, decided_at__lt=end, channel__in=SELECTING)
    rows = models.Decision.objects.filter(decided | Q(declaration_id__in=lowered)).select_related("declaration")
    first: dict[str, models.Decision] = {}
    for row in rows.defer("body", "facts", "answer").order_by("declaration_id", "ordinal"):
        first.setdefault(row.declaration_id, row)
    officers = dict(
        Act.objects.filter(declaration_id__in=list(first), officer__isnull=False, reexamines=None)
        .order_by("-opened_at")
        .values_list("declaration_id", "officer__login")
    )
    for number, row in first.items():
        yield Selected(
            declaration_id=number,
            office=row.office,
            selected_on=row.decided_on,
            declarant=row.declaration.declarant_code,
            importer=row.declaration.importer_code or None,
            officer=officers.get(number),
            identity=row.identity,
        )


def _overrides(start: datetime, end: datetime) -> tuple[tuple[Override, ...], set[str]]:
    rows = models.Override.objects.filter(at__gte=start, at__lt=end, state__in=("in force", "superseded"))
    held = list(rows.select_related("by", "result_act").prefetch_related("result_act__results").order_by("pk"))
    audited = found_by_audit({row.declaration_id for row in held if row.result_act is None})
    overrides = tuple(
        Override(
            override_id=str(row.pk),
            declaration_id=row.declaration_id,
            officer=row.by.login,
            before=Channel(row.before),
            after=Channel(row.after),
            found=_found_by(row.result_act) if row.result_act else audited.get(row.declaration_id),
        )
        for row in held
    )
    return overrides, {one.declaration_id for one in overrides if one.lowers}


def _assignments(acts: Sequence[Act], declarations: Mapping[str, Declaration]) -> Iterator[Assignment]:
    """Give for each act whom the lot drew and who did it; a second examination has a lot of its own."""
    drawn = {number: lot.officer.login for number, lot in _drawn([act.pk for act in acts]).items()}
    lots = models.Reexamination.objects.filter(act_id__in=[act.reexamines_id for act in acts if act.reexamines_id])
    again = {lot.act_id: lot.officer.login for lot in lots.select_related("officer") if lot.officer}
    for act in acts:
        assert act.officer is not None
        replaced = max(act.replacements.all(), key=lambda one: one.pk, default=None)
        declaration = declarations.get(act.declaration_id)
        yield Assignment(
            declaration_id=act.declaration_id,
            office=act.office,
            declarant=declaration.declarant_code if declaration else "",
            drawn=drawn.get(act.pk) or again.get(act.reexamines_id or "", ""),
            standing=act.officer.login,
            reason=replaced.reason if replaced and replaced.after_id == act.officer_id else None,
            identity=act.decision.identity,
        )
