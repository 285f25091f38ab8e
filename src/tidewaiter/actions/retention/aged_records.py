"""Which records are past a period, by kind: what still goes on, or was touched since, is never among them."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from django.db.models import Exists, F, Max, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from tidewaiter.storage.records.models import (
    Act,
    Attachment,
    Consignment,
    ControlRequest,
    Declaration,
    Event,
    Lookout,
    Override,
    Recall,
    Referral,
    Result,
    Seizure,
)

type Aged = list[tuple[str, datetime]]
"""Keys of records with the instant their period counts from, the oldest first."""

_MOST = 10_000


def _declarations(before: datetime) -> Aged:
    """Return declarations whose goods are gone, and with which nothing is open or was done or told since."""
    own = {"declaration_id": OuterRef("pk")}
    since = Coalesce("gate_out_at", "released_at", "cancelled_at", "lodged_at")
    late: list[
        QuerySet[Event] | QuerySet[Act] | QuerySet[Result] | QuerySet[Referral] | QuerySet[Override] | QuerySet[Recall]
    ] = [
        Act.objects.filter(Q(closed_at=None) | Q(closed_at__gte=before), **own),
        Result.objects.filter(known_at__gte=before, act__declaration_id=OuterRef("pk")),
        Referral.objects.filter(Q(closed_at=None) | Q(closed_at__gte=before), **own),
        Override.objects.filter(Q(state="proposed") | Q(at__gte=before), **own),
        Recall.objects.filter(Q(settled_at=None) | Q(settled_at__gte=before), **own),
        Event.objects.filter(received_at__gte=before, **own),
    ]
    found = Declaration.objects.filter(in_flight=False).annotate(since=since).filter(since__lt=before)
    for rows in late:
        found = found.exclude(Exists(rows))
    return list(found.order_by("since", "pk").values_list("pk", "since")[:_MOST])


def _consignments(before: datetime) -> Aged:
    latest = Consignment.objects.values("consignment_id").annotate(since=Max("received_at"))
    return list(latest.filter(since__lt=before).order_by("since").values_list("consignment_id", "since")[:_MOST])


def _events(before: datetime) -> Aged:
    """Return events of what is no declaration kept here; the others go with their declaration."""
    known = Declaration.objects.filter(pk=OuterRef("declaration_id"))
    found = Event.objects.filter(~Exists(known), received_at__lt=before).order_by("received_at", "pk")
    return [(str(key), since) for key, since in found.values_list("pk", "received_at")[:_MOST]]


def _seizures(before: datetime) -> Aged:
    latest = Seizure.objects.values("seizure_number").annotate(since=Max("known_at"))
    return list(latest.filter(since__lt=before).order_by("since").values_list("seizure_number", "since")[:_MOST])


def _overrides(before: datetime) -> Aged:
    found = Override.objects.filter(at__lt=before).exclude(state="proposed").order_by("at", "pk")
    return [(str(key), since) for key, since in found.values_list("pk", "at")[:_MOST]]


def _lookouts(before: datetime) -> Aged:
    """Return lookouts that ended; one that expired and whose outcome is owed is not over."""
    found = Lookout.objects.filter(state="ended").annotate(since=Coalesce("ended_at", F("expires_at")))
    return list(found.filter(since__lt=before).order_by("since").values_list("reference", "since")[:_MOST])


def _requests(before: datetime) -> Aged:
    found = ControlRequest.objects.annotate(since=Coalesce("ended_at", "expires_at")).filter(since__lt=before)
    return list(found.order_by("since", "pk").values_list("reference", "since")[:_MOST])


def _attachments(before: datetime) -> Aged:
    found = Attachment.objects.filter(at__lt=before).order_by("at", "pk")
    return [(str(key), since) for key, since in found.values_list("pk", "at")[:_MOST]]


AGED_RECORDS: Final[Mapping[str, Callable[[datetime], Aged]]] = {
    "declaration": _declarations,
    "consignment": _consignments,
    "event": _events,
    "seizure": _seizures,
    "override": _overrides,
    "lookout": _lookouts,
    "request": _requests,
    "attachment": _attachments,
}
"""By kind (see retention_kinds.csv) what is past a period that ended at an instant."""

RECORD_KEYS: Final[Mapping[str, tuple[type[Model], str]]] = {
    "declaration": (Declaration, "declaration_id"),
    "consignment": (Consignment, "consignment_id"),
    "event": (Event, "pk"),
    "seizure": (Seizure, "seizure_number"),
    "override": (Override, "pk"),
    "lookout": (Lookout, "reference"),
    "request": (ControlRequest, "reference"),
    "attachment": (Attachment, "pk"),
}
"""By kind the model and the field that names its records."""


def held_in_records(kind: str, numbers: Collection[str]) -> set[str]:
    """Return those of the numbers that the records hold themselves; their own dates count, not the lake's."""
    model, name = RECORD_KEYS[kind]
    return set(model._default_manager.filter(**{f"{name}__in": numbers}).values_list(name, flat=True))  # noqa: SLF001
