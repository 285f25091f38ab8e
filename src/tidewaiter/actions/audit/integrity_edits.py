"""Edits that can lower selection, as the integrity checks want them: of lists, of traders' status, of lookouts.

Edits that raise stand beside them, because one that puts a lowering back soon after is a mark of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q, QuerySet

from tidewaiter.actions.profiles.lookouts import CLEARED
from tidewaiter.core.channel import Channel
from tidewaiter.core.lookout import Certainty, LookoutKind
from tidewaiter.engines.integrity.edits import Filing, ListEdit
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import Declaration, Lookout, LookoutMatch, LookoutShortening, Mark

AROUND_EDITS: Final = timedelta(days=45)
"""Filings so long before and after an edit are looked at."""

LOOKOUTS: Final = "lookouts"
TRADERS: Final = "trusted traders"
"""What stands for the list in edits of what is no list."""

_RELEASING: Final = tuple(channel.value for channel in Channel if not channel.selects)
_OF_PARTIES: Final = (LookoutKind.PARTY, LookoutKind.COMPANY)


def list_edits(start: datetime, end: datetime) -> Iterator[ListEdit]:
    """Give the edits of lists that came into force in the period, and those after it that may have put one back."""
    until = end + AROUND_EDITS
    lists = models.Proposal.objects.filter(kind="list", in_force_at__gte=start, in_force_at__lt=until)
    for row in lists.select_related("proposed_by", "decided_by").order_by("pk"):
        if row.in_force_at is not None and (row.in_force_at < end or row.direction != "lowers"):
            yield _list_edit(row, row.in_force_at)


def _list_edit(row: models.Proposal, at: datetime) -> ListEdit:
    kept: Mapping[str, Any] = row.lost
    selections: Mapping[str, Any] = kept.get("selections") or {}
    entries = (*kept.get("lost", ()), *kept.get("gained", ()))
    return ListEdit(
        edit_id=f"list {row.name}@{row.number}",
        list_code=row.name,
        officer=row.proposed_by.login,
        edited_at=at,
        lowers=row.direction == "lowers",
        entries=tuple(map(str, entries)),
        beneficiaries=tuple(dict.fromkeys(map(str, (*entries, *selections.get("parties", ()))))),
        would_have_lost=tuple(map(str, selections.get("declarations", ()))),
        not_selected=tuple(map(str, kept.get("not_selected", ()))),
        second_person=row.decided_by.login if row.decided_by else None,
    )


def trader_edits(start: datetime, end: datetime) -> Iterator[ListEdit]:
    """Give the changes of traders' status in the period, and suspensions after it: a status lowers, its end raises."""
    traders = models.TrustedTrader.objects.filter(at__gte=start, at__lt=end + AROUND_EDITS)
    for trader in traders.select_related("by", "second").order_by("pk"):
        if trader.at < end or trader.suspended:
            yield ListEdit(
                edit_id=f"trader {trader.party_code}@{trader.number}",
                list_code=TRADERS,
                officer=trader.by.login,
                edited_at=trader.at,
                lowers=not trader.suspended,
                entries=(trader.party_code,),
                beneficiaries=(trader.party_code,),
                second_person=trader.second.login if trader.second else None,
            )


def lookout_edits(start: datetime, end: datetime, seen: QuerySet[Lookout] | None) -> Iterator[ListEdit]:
    """Give those of the lookouts seen that were ended early or shortened in the period, and what was raised meanwhile.

    Who benefits are the parties named, and the importers of what the lookout had met. A possible match that an officer
    cleared lowers too, for the importers of the goods met.
    """
    if seen is None:
        return
    yield from _cleared_matches(start, end, seen)
    ended = seen.filter(ended_at__gte=start, ended_at__lt=end, ended_second__isnull=False)
    ended = ended.filter(ended_at__lt=F("expires_at"))
    for one in ended.select_related("ended_by", "ended_second").order_by("pk"):
        assert one.ended_at is not None
        assert one.ended_by is not None
        second = one.ended_second.login if one.ended_second else None
        yield _lookout_edit(one, "end", one.ended_at, one.ended_by.login, second)
    shorter = LookoutShortening.objects.filter(lookout__in=seen, at__gte=start, at__lt=end)
    for step in shorter.select_related("lookout", "by", "second").order_by("pk"):
        yield _lookout_edit(step.lookout, f"shortening {step.pk}", step.at, step.by.login, step.second.login)
    raised = seen.filter(raised_at__gte=start, raised_at__lt=end + AROUND_EDITS)
    for one in raised.select_related("raised_by").order_by("pk"):
        yield ListEdit(
            edit_id=f"lookout {one.reference} raised",
            list_code=LOOKOUTS,
            officer=one.raised_by.login,
            edited_at=one.raised_at,
            lowers=False,
            entries=_named(one),
        )


def _lookout_edit(lookout: Lookout, step: str, at: datetime, by: str, second: str | None) -> ListEdit:
    matched = lookout.matches.filter(met_at__lt=at).exclude(declaration_id="").order_by("pk")
    met = list(dict.fromkeys(matched.values_list("declaration_id", flat=True)))
    importers = Declaration.objects.filter(pk__in=met).exclude(importer_code="").order_by("importer_code")
    parties = _named(lookout) if lookout.kind in _OF_PARTIES else ()
    return ListEdit(
        edit_id=f"lookout {lookout.reference} {step}",
        list_code=LOOKOUTS,
        officer=by,
        edited_at=at,
        lowers=True,
        entries=_named(lookout),
        beneficiaries=tuple(dict.fromkeys((*parties, *importers.values_list("importer_code", flat=True)))),
        would_have_lost=tuple(met),
        second_person=second,
    )


def _cleared_matches(start: datetime, end: datetime, seen: QuerySet[Lookout]) -> Iterator[ListEdit]:
    """Give the possible matches of these lookouts that one officer cleared: no second person is asked."""
    cleared = LookoutMatch.objects.filter(lookout__in=seen, certainty=Certainty.POSSIBLE.value, state=CLEARED)
    settled = cleared.filter(settled_at__gte=start, settled_at__lt=end, settled_by__isnull=False)
    for one in settled.select_related("settled_by").order_by("pk"):
        assert one.settled_at is not None
        assert one.settled_by is not None
        goods = Declaration.objects.filter(_met(one)).order_by("pk")
        released = goods.filter(released_at__gte=one.settled_at, channel__in=_RELEASING)
        importers = goods.exclude(importer_code="").values_list("importer_code", flat=True)
        yield ListEdit(
            edit_id=f"match {one.reference} cleared",
            list_code=LOOKOUTS,
            officer=one.settled_by.login,
            edited_at=one.settled_at,
            lowers=True,
            entries=(one.value,),
            beneficiaries=tuple(dict.fromkeys(importers)),
            not_selected=tuple(released.values_list("pk", flat=True)),
        )


def _met(match: LookoutMatch) -> Q:
    """Return which declarations are of the goods of a match: the one named, and those lodged under the consignment."""
    named = Q(pk=match.declaration_id) if match.declaration_id else Q(pk__in=())
    if not match.consignment_id:
        return named
    filed = Mark.objects.filter(kind="document", value=match.consignment_id)
    return named | Q(pk__in=filed.values("declaration_id"))


def _named(lookout: Lookout) -> tuple[str, ...]:
    return tuple(map(str, (*lookout.subject.get("values", ()), *lookout.subject.get("names", ()))))


def filings(edits: Iterable[ListEdit], start: datetime, end: datetime) -> Iterator[Filing]:
    """Give what the beneficiaries of lowering edits lodged around the period."""
    parties = {party for edit in edits if edit.lowers for party in edit.beneficiaries}
    around = Declaration.objects.filter(lodged_at__gte=start - AROUND_EDITS, lodged_at__lt=end + AROUND_EDITS)
    named = around.filter(Q(importer_code__in=parties) | Q(declarant_code__in=parties))
    for one in named.order_by("lodged_at", "pk").only("pk", "lodged_at", "importer_code", "declarant_code"):
        for party in sorted({one.importer_code, one.declarant_code} & parties):
            yield Filing(party, one.pk, one.lodged_at)
