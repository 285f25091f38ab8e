"""What publications, statuses, the standing of profiles and the traces of purges say now of what was digested."""

from collections.abc import Collection, Iterator
from typing import Final

from tidewaiter.actions.administration import classification_content
from tidewaiter.actions.audit.kept_content import Contents, Reading, latest
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.profiles.profiles import standing_content
from tidewaiter.actions.profiles.publishing import publication_content
from tidewaiter.actions.profiles.traders import status_content
from tidewaiter.actions.retention.purging import approval_content, tombstones_content
from tidewaiter.storage.records import models


def _named(keys: Collection[str]) -> dict[tuple[str, str], str]:
    """Return keys `NAME@NUMBER` by name and number."""
    parts = {key: key.rpartition("@") for key in keys}
    return {(name, number): key for key, (name, _, number) in parts.items()}


def _statuses(keys: Collection[str]) -> dict[str, Contents]:
    named = _named(keys)
    held = models.TrustedTrader.objects.filter(party_code__in=[code for code, _ in named])
    return {named[key]: [[status_content(one)]] for one in held if (key := (one.party_code, str(one.number))) in named}


def _status_keys() -> Iterator[str]:
    return (f"{one.party_code}@{one.number}" for one in models.TrustedTrader.objects.order_by("pk").iterator(2_000))


def _standings(keys: Collection[str]) -> dict[str, Contents]:
    named = _named(keys)
    held = models.ProfileVersion.objects.filter(code__in=[code for code, _ in named])
    return {named[key]: [[standing_content(one)]] for one in held if (key := (one.code, str(one.number))) in named}


def _version_keys() -> Iterator[str]:
    return (str(one) for one in models.ProfileVersion.objects.only("code", "number").order_by("pk").iterator(2_000))


def _buried(keys: Collection[str]) -> dict[str, Contents]:
    known = set(models.Tombstone.objects.filter(purge__in=keys).values_list("purge", flat=True))
    return {number: [[tombstones_content(number)]] for number in known}


def _purge_numbers() -> Iterator[str]:
    return iter(models.Tombstone.objects.order_by("purge").values_list("purge", flat=True).distinct())


def _acknowledged(keys: Collection[str]) -> dict[str, Contents]:
    """Return by lookout what any of its offices was noted with: the last event is one of these."""
    found: dict[str, list[bytes]] = {}
    held = models.LookoutAcknowledgement.objects.filter(lookout__reference__in=keys)
    for reference, office in held.values_list("lookout__reference", "office_id"):
        found.setdefault(reference, []).append(to_json({"office": office}).encode())
    return {reference: [offices] for reference, offices in found.items()}


RULES: Final[tuple[Reading, ...]] = (
    latest("publication", models.Publication.objects.all, lambda one: [publication_content(one)], once=True,
        required=True),
    Reading(kind="status", contents=_statuses, once=True, count=models.TrustedTrader.objects.count,
        every=_status_keys),
    Reading(kind="standing", contents=_standings, whole=False, count=models.ProfileVersion.objects.count,
        every=_version_keys),
    Reading(kind="lookout", contents=_acknowledged, actions=frozenset({"lookout.acknowledge"}), whole=False),
    latest("purge-approval", models.Purge.objects.exclude(approved_at=None).all,
        lambda one: [approval_content(one)], required=True),
    Reading(kind="tombstones", contents=_buried, whole=False,
        count=models.Tombstone.objects.order_by().values("purge").distinct().count, every=_purge_numbers),
    latest("classification", models.Classification.objects.all, lambda one: [classification_content(one)]),
)  # fmt: skip
"""Every reading of what is in force and of what purges left behind."""
