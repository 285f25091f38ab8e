"""What goes from the records with each kind of record that is purged, and taking it away.

With a declaration go its versions, decisions, acts, results and all that hangs on them; a seizure keeps, without its
number. With a lookout go its matches, and its entry in every set that was ever published: decisions by such a set
stay, but are not replayable where the lookout mattered.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Model, Q

from tidewaiter.actions.lake.lake_rows import audits_to_copy
from tidewaiter.actions.packing import packed, to_json, unpacked
from tidewaiter.storage.records import models

AT_ONCE: Final = 500
"""Records taken at a time, so that no question to the database grows too long."""


@dataclass(slots=True)
class Going:
    """What goes with one record: the references of all its parts, itself first, and the digests of its files."""

    record: str
    parts: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    @property
    def own_key(self) -> str:
        """Return the key of the record itself."""
        return self.record.partition(":")[2]

    def add(self, kind: str, key: object) -> None:
        """Note one part."""
        self.parts.append(f"{kind}:{key}")

    def keys(self, kind: str) -> list[str]:
        """Return the keys of the parts of a kind."""
        return [part.partition(":")[2] for part in self.parts if part.startswith(f"{kind}:")]


_PARTS: Final[tuple[tuple[str, type[Model], str], ...]] = (
    ("decision", models.Decision, "pk"),
    ("act", models.Act, "pk"),
    ("referral", models.Referral, "pk"),
    ("override", models.Override, "pk"),
    ("event", models.Event, "pk"),
    ("match", models.LookoutMatch, "reference"),
    ("recall", models.Recall, "pk"),
)
"""What names a declaration and has a reference of its own in the audit chain."""


def going(records: Collection[str]) -> Iterator[Going]:
    """Yield what goes with each of the records (`kind:key`), also for one that is not there."""
    by_kind: dict[str, list[str]] = {}
    for record in records:
        kind, _, key = record.partition(":")
        by_kind.setdefault(kind, []).append(key)
    for kind, keys in by_kind.items():
        for start in range(0, len(keys), AT_ONCE):
            found = {key: Going(f"{kind}:{key}", [f"{kind}:{key}"]) for key in keys[start : start + AT_ONCE]}
            _GATHER.get(kind, _nothing_more)(found)
            _add_kept_with(found.values())
            yield from found.values()


def _nothing_more(_: Mapping[str, Going]) -> None:
    """Add nothing: the record is all there is."""


def _of_declarations(found: Mapping[str, Going]) -> None:
    for kind, model, key in _PARTS:
        rows = model._default_manager.filter(declaration_id__in=found)  # noqa: SLF001
        for number, part in rows.values_list("declaration_id", key):
            found[number].add(kind, part)
    _add_notes(found, "declaration_id")


def _of_consignments(found: Mapping[str, Going]) -> None:
    for number, key in models.Consignment.objects.filter(consignment_id__in=found).values_list("consignment_id", "pk"):
        found[number].add("filing", key)
    matches = models.LookoutMatch.objects.filter(consignment_id__in=found)
    for number, reference in matches.values_list("consignment_id", "reference"):
        found[number].add("match", reference)
    _add_notes(found, "consignment_id")


def _add_notes(found: Mapping[str, Going], name: str) -> None:
    """Add the events of all moments at which one was met: they can no longer be compared."""
    noted = models.LookoutMatch.objects.filter(**{f"{name}__in": found}).exclude(noted="")
    for number, key in noted.order_by("pk").values_list(name, "noted"):
        if f"matches:{key}" not in found[number].parts:
            found[number].add("matches", key)


def _of_lookouts(found: Mapping[str, Going]) -> None:
    for going_with in found.values():
        going_with.add("lookout-step", going_with.own_key)
    matches = models.LookoutMatch.objects.filter(lookout__reference__in=found)
    for number, reference in matches.values_list("lookout__reference", "reference"):
        found[number].add("match", reference)
    _add_notes(found, "lookout__reference")
    for row in models.PublishedSet.objects.iterator(50):
        for lookout in json.loads(unpacked(row.text))["lookouts"]:
            if lookout["reference"] in found:
                found[lookout["reference"]].add("set", row.pk)


_GATHER: Final[Mapping[str, Callable[[Mapping[str, Going]], None]]] = {
    "declaration": _of_declarations,
    "consignment": _of_consignments,
    "lookout": _of_lookouts,
}


def _add_kept_with(found: Collection[Going]) -> None:
    """Add exhibits, and files, kept with any of the parts."""
    owner = {part: one for one in found for part in one.parts}
    for number, about in models.Exhibit.objects.filter(record__in=owner).values_list("pk", "record"):
        owner[about].add("exhibit", number)
        owner[f"exhibit:{number}"] = owner[about]
    own = [int(key) for one in found for key in one.keys("attachment") if key.isdecimal()]
    held = models.Attachment.objects.filter(Q(record__in=owner) | Q(pk__in=own))
    for key, about, digest in held.values_list("pk", "record", "digest"):
        one = owner.get(f"attachment:{key}") or owner[about]
        if f"attachment:{key}" not in owner:
            one.add("attachment", key)
        one.files.add(digest)


def remove(found: Collection[Going]) -> None:
    """Take these records away with all that goes with them, and the salts of their events."""
    references = [part for one in found for part in one.parts]
    keys: dict[str, list[str]] = {}
    for reference in references:
        kind, _, key = reference.partition(":")
        keys.setdefault(kind, []).append(key)
    remove_salts(references)
    _remove_kept_with(keys)
    _remove_lookouts(keys)
    _remove_declarations(keys)
    models.Override.objects.filter(pk__in=_numbers(keys, "override")).delete()
    models.Event.objects.filter(pk__in=_numbers(keys, "event")).delete()
    models.ControlRequest.objects.filter(reference__in=keys.get("request", [])).delete()
    models.Seizure.objects.filter(seizure_number__in=keys.get("seizure", [])).delete()
    models.Consignment.objects.filter(consignment_id__in=keys.get("consignment", [])).delete()
    _forget_goods([f"document {key}" for key in keys.get("consignment", [])])


def _numbers(keys: Mapping[str, list[str]], kind: str) -> list[int]:
    return [int(key) for key in keys.get(kind, []) if key.isdecimal()]


def remove_salts(references: Collection[str]) -> None:
    """Take away what the contents of these records' events were salted with: their digests say nothing any more."""
    events = models.AuditEvent.objects.filter(record__in=references).values_list("sequence", flat=True)
    models.AuditSalt.objects.filter(sequence__in=list(events)).delete()


def _remove_kept_with(keys: Mapping[str, list[str]]) -> None:
    models.HandOver.objects.filter(exhibit_id__in=keys.get("exhibit", [])).delete()
    models.Exhibit.objects.filter(pk__in=keys.get("exhibit", [])).delete()
    models.Attachment.objects.filter(pk__in=_numbers(keys, "attachment")).delete()


def _remove_lookouts(keys: Mapping[str, list[str]]) -> None:
    references = keys.get("lookout", [])
    models.LookoutMatch.objects.filter(reference__in=keys.get("match", [])).delete()
    models.LookoutAcknowledgement.objects.filter(lookout__reference__in=references).delete()
    models.LookoutShortening.objects.filter(lookout__reference__in=references).delete()
    for row in models.PublishedSet.objects.filter(pk__in=keys.get("set", [])):
        content: dict[str, Any] = json.loads(unpacked(row.text))
        content["lookouts"] = [one for one in content["lookouts"] if one["reference"] not in references]
        row.text = packed(to_json(content))
        row.save(update_fields=["text"])
    models.Lookout.objects.filter(reference__in=references).delete()


def _remove_declarations(keys: Mapping[str, list[str]]) -> None:
    declarations, acts, decisions = (keys.get(kind, []) for kind in ("declaration", "act", "decision"))
    of_acts = {"act_id__in": acts}
    models.Reexamination.objects.filter(**of_acts).delete()
    models.Assignment.objects.filter(Q(subject__in=acts) | Q(decision_id__in=decisions)).delete()
    models.Replacement.objects.filter(**of_acts).delete()
    models.Result.objects.filter(**of_acts).delete()
    models.Override.objects.filter(declaration_id__in=declarations).delete()
    models.Referral.objects.filter(declaration_id__in=declarations).delete()
    models.Act.objects.filter(pk__in=acts).update(reexamines=None)
    models.Act.objects.filter(pk__in=acts).delete()
    models.Decision.objects.filter(pk__in=decisions).update(previous=None)
    own = models.Mark.objects.filter(declaration_id__in=declarations, kind__in=("document", "container"))
    goods = {f"{kind} {value}" for kind, value in own.values_list("kind", "value")}
    _blank_seizures(declarations)
    models.Declaration.objects.filter(pk__in=declarations).delete()
    _forget_goods(goods)


def _forget_goods(goods: Collection[str]) -> None:
    """Forget what goods are drawn by that no declaration names any more."""
    wanted = {(kind, value) for kind, _, value in (one.partition(" ") for one in goods)}
    named = models.Mark.objects.filter(value__in={value for _, value in wanted}, kind__in=("document", "container"))
    left = wanted - set(named.values_list("kind", "value"))
    models.DrawIdentity.objects.filter(mark__in=[f"{kind} {value}" for kind, value in left]).delete()


def _blank_seizures(declarations: Collection[str]) -> None:
    for row in models.Seizure.objects.filter(declaration_id__in=declarations):
        row.row.pop("declaration_id", None)
        row.declaration_id = ""
        row.save(update_fields=["row", "declaration_id"])


def blanked_with(declarations: Collection[str]) -> list[str]:
    """Return the seizures that stay without the number of a declaration that goes."""
    found = models.Seizure.objects.filter(declaration_id__in=declarations).values_list("seizure_number", flat=True)
    return [f"seizure:{number}" for number in sorted(set(found))]


def waiting_for_copy(found: Collection[Going]) -> set[str]:
    """Return the records of which something is not in the lake yet: a copy under way could bring back what went."""
    declarations = [key for one in found for key in one.keys("declaration")]
    consignments = [one.own_key for one in found if one.record.startswith("consignment:")]
    seizures = [one.own_key for one in found if one.record.startswith("seizure:")]
    uncopied = {"copied_at": None}
    held = {
        *_named("declaration", models.Lodgement.objects.filter(declaration_id__in=declarations, **uncopied)),
        *_named("declaration", models.Event.objects.filter(declaration_id__in=declarations, **uncopied)),
    }
    results = models.Result.objects.filter(act__declaration_id__in=declarations, **uncopied)
    held |= {f"declaration:{number}" for number in results.values_list("act__declaration_id", flat=True)}
    held |= {*_named("declaration", audits_to_copy().filter(declaration_id__in=declarations))}
    filings = models.Consignment.objects.filter(consignment_id__in=consignments, **uncopied)
    held |= {f"consignment:{number}" for number in filings.values_list("consignment_id", flat=True)}
    numbers = models.Seizure.objects.filter(seizure_number__in=seizures, **uncopied)
    return held | {f"seizure:{number}" for number in numbers.values_list("seizure_number", flat=True)}


def _named(kind: str, rows: Any) -> Iterator[str]:
    return (f"{kind}:{number}" for number in rows.values_list("declaration_id", flat=True))
