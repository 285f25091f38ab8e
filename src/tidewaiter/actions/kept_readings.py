"""What every kind of record says now of what its audit events digested: one reading a kind and sort of event."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from tidewaiter.actions.assignments import duty_content
from tidewaiter.actions.keeping import decision_content
from tidewaiter.actions.kept_content import Contents, Reading
from tidewaiter.actions.kept_examination import EXAMINATION
from tidewaiter.actions.lookouts import lookout_content
from tidewaiter.actions.packing import to_json, unpacked
from tidewaiter.actions.proposals import IN_FORCE, SUPERSEDED, text_digest
from tidewaiter.storage.records import models

type Read[M: Model] = Callable[[M], Collection[bytes]]


def latest[M: Model](
    kind: str,
    held: Callable[[], QuerySet[M]],
    read: Read[M],
    *,
    actions: Collection[str] = (),
    but: Collection[str] = (),
    field: str = "pk",
    once: bool = False,
    required: bool = False,
) -> Reading:
    """Return the reading of records whose latest event tells what they hold now. `field` is their key.

    `required`: every record that is kept has such an event.
    """

    def contents(keys: Collection[str]) -> dict[str, Contents]:
        found = held().filter(**{f"{field}__in": readable(held().model, field, keys)})
        return {str(getattr(record, field)): [read(record)] for record in found}

    def every() -> Iterator[str]:
        return (str(key) for key in held().order_by("pk").values_list(field, flat=True).iterator(2_000))

    return Reading(
        kind=kind,
        contents=contents,
        actions=frozenset(actions),
        but=frozenset(but),
        once=once,
        whole=False,
        count=held().count if required else None,
        every=every if required else None,
    )


def readable(model: type[Model], name: str, keys: Collection[str]) -> list[Any]:
    """Return the keys as the field takes them; what is none of its values is left out."""
    kind: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)  # noqa: SLF001  # documented by Django
    found = []
    for key in keys:
        with suppress(ValidationError):
            found.append(kind.to_python(key))
    return found


def _json(**parts: object) -> bytes:
    return json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()


def _decisions(keys: Collection[str]) -> dict[str, Contents]:
    found = list(models.Decision.objects.filter(pk__in=keys))
    named = [one.declaration_id for one in found]
    digests = {
        (number, version): digest
        for number, version, digest in models.Lodgement.objects.filter(declaration_id__in=named).values_list(
            "declaration_id", "version", "content_digest"
        )
    }
    return {one.pk: [[decision_content(one, digests.get((one.declaration_id, one.version), ""))]] for one in found}


def _decision_keys() -> Iterator[str]:
    return models.Decision.objects.order_by("pk").values_list("pk", flat=True).iterator(2_000)


def _steps(keys: Collection[str]) -> dict[str, Contents]:
    """Return what each step of a profile version's life digested; its text must be that of the last digest."""
    held = models.ProfileStep.objects.filter(version__code__in={key.partition("@")[0] for key in keys})
    found: defaultdict[str, list[models.ProfileStep]] = defaultdict(list)
    for step in held.select_related("version").order_by("pk"):
        found[str(step.version)].append(step)
    return {key: _life(steps) for key, steps in found.items() if key in keys}


def _life(steps: list[models.ProfileStep]) -> list[list[bytes]]:
    digest, contents = "", []
    for step in steps:
        digest = step.report.get("digest", digest)
        content = {"status": step.after, "digest": digest, "reason": step.reason, "report": step.report}
        contents.append([to_json(content).encode()])
    version = steps[-1].version
    if digest != text_digest(version.text) or digest != version.digest or version.status != steps[-1].after:
        contents[-1] = []
    return contents


def _version_keys() -> Iterator[str]:
    return (str(one) for one in models.ProfileVersion.objects.only("code", "number").order_by("pk").iterator(2_000))


def _sharing(version: models.ProfileVersion) -> list[bytes]:
    logins = sorted(version.co_authors.values_list("login", flat=True))
    return [to_json({"co_authors": logins}).encode()]


def _shared(keys: Collection[str]) -> dict[str, Contents]:
    codes = {key.partition("@")[0] for key in keys}
    held = models.ProfileVersion.objects.filter(code__in=codes)
    return {str(one): [_sharing(one)] for one in held if str(one) in keys}


def _proposals(kind: str) -> Callable[[Collection[str]], Mapping[str, Contents]]:
    def contents(keys: Collection[str]) -> dict[str, Contents]:
        names = {key.rpartition("@")[0] for key in keys}
        held = models.Proposal.objects.filter(kind=kind, name__in=names)
        return {key: [_proposed(one)] for one in held if (key := f"{one.name}@{one.number}") in keys}

    return contents


def _proposed(one: models.Proposal) -> list[bytes]:
    """Return the contents of a version of a text; a superseded one was in force when it was last recorded."""
    if text_digest(one.text) != one.digest:
        return []
    states = [IN_FORCE, SUPERSEDED] if one.state == SUPERSEDED else [one.state]
    stated = {
        "digest": one.digest,
        "direction": one.direction,
        "reason": one.reason,
        "decided_reason": one.decided_reason,
        "notes": [],
    }
    return [to_json({**stated, "state": state}).encode() for state in states]


def _officer(one: models.Officer) -> list[bytes]:
    return [_json(login=one.login, roles=one.roles, clearance=one.clearance, active=one.active)]


def _token(one: models.Token) -> list[bytes]:
    return [_json(label=one.label, scopes=one.scopes)]


def _match(one: models.LookoutMatch) -> list[bytes]:
    return [to_json({"state": one.state, "reason": one.reason}).encode()]


def _draw_days(keys: Collection[str]) -> dict[str, Contents]:
    held = models.DrawDay.objects.filter(pk__in=readable(models.DrawDay, "pk", keys))
    return {one.pk.isoformat(): [[one.key_digest.encode()]] for one in held}


def _published(one: models.PublishedSet) -> list[bytes]:
    return [unpacked(one.text).encode("utf-8", "surrogatepass")]


READINGS: Final[tuple[Reading, ...]] = (
    Reading(
        kind="decision",
        contents=_decisions,
        actions=frozenset({"decision.take"}),
        once=True,
        count=models.Decision.objects.count,
        every=_decision_keys,
    ),
    *EXAMINATION,
    Reading(
        kind="profile",
        contents=_steps,
        but=frozenset({"profile.share"}),
        count=models.ProfileVersion.objects.count,
        every=_version_keys,
    ),
    Reading(kind="profile", contents=_shared, actions=frozenset({"profile.share"}), whole=False),
    *(Reading(kind=kind, contents=_proposals(kind), whole=False) for kind in models.Proposal.KINDS),
    latest("lookout", models.Lookout.objects.all, lambda one: [lookout_content(one)], but=["lookout.acknowledge"],
        field="reference", required=True),
    latest("match", models.LookoutMatch.objects.all, _match, field="reference"),
    latest("officer", models.Officer.objects.all, _officer, required=True),
    latest("client", models.ClientSystem.objects.all, lambda one: [_json(name=one.name)], required=True),
    latest("office", models.Office.objects.all, lambda one: [_json(code=one.code, name=one.name)]),
    latest("token", models.Token.objects.all, _token, required=True),
    latest("set", models.PublishedSet.objects.all, _published, once=True, required=True),
    Reading(kind="draw", contents=_draw_days, whole=False),
    latest("duty", models.Duty.objects.all, lambda one: [duty_content(one)], once=True, required=True),
    latest("event", models.Event.objects.all, lambda one: [one.content_digest.encode()], once=True,
        required=True),
)  # fmt: skip
"""Every reading. A new kind of record that is recorded with content belongs here."""
