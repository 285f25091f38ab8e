"""What every kind of record says now of what its audit events digested: one reading a kind and sort of event."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from tidewaiter.actions.administration import client_content, token_content
from tidewaiter.actions.audit.kept_content import Contents, Reading, latest, readable
from tidewaiter.actions.audit.kept_decisions import DECISIONS, settled, settled_keys
from tidewaiter.actions.audit.kept_evidence import EVIDENCE
from tidewaiter.actions.audit.kept_examination import EXAMINATION
from tidewaiter.actions.audit.kept_retention import RETENTION
from tidewaiter.actions.audit.kept_rules import RULES
from tidewaiter.actions.decisions.requests import request_content
from tidewaiter.actions.examinations.duties import duty_content
from tidewaiter.actions.officers import grant_content, officer_content
from tidewaiter.actions.packing import to_json, unpacked
from tidewaiter.actions.profiles.lookouts import lookout_content
from tidewaiter.actions.profiles.profiles import step_content
from tidewaiter.actions.profiles.proposals import IN_FORCE, SUPERSEDED, proposal_content, text_digest
from tidewaiter.storage.records import models


def _json(**parts: object) -> bytes:
    return json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()


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
        contents.append([step_content(step, digest)])
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
    """Return the contents of a version of a text; a superseded one was in force when it was last recorded.

    Nothing where its text is another, or where it stands as in force though something later took its place.
    """
    if text_digest(one.text) != one.digest or (one.state == IN_FORCE and _displaced(one)):
        return []
    states = [IN_FORCE, SUPERSEDED] if one.state == SUPERSEDED else [one.state]
    return [proposal_content(one, state) for state in states]


def _displaced(one: models.Proposal) -> bool:
    others = models.Proposal.objects.filter(kind=one.kind, name=one.name).exclude(pk=one.pk)
    suspended = models.TrustedTrader.objects.filter(party_code=one.name, suspended=True, at__gte=one.in_force_at)
    return others.filter(in_force_at__gte=one.in_force_at).exists() or (one.kind == "trader" and suspended.exists())


def _officer(one: models.Officer) -> list[bytes]:
    return [officer_content(one)]


def _match(one: models.LookoutMatch) -> list[bytes]:
    return [to_json({"state": one.state, "reason": one.reason}).encode()]


def _draw_days(keys: Collection[str]) -> dict[str, Contents]:
    held = models.DrawDay.objects.filter(pk__in=readable(models.DrawDay, "pk", keys))
    return {one.pk.isoformat(): [[one.key_digest.encode()]] for one in held}


def _published(one: models.PublishedSet) -> list[bytes]:
    return [unpacked(one.text).encode("utf-8", "surrogatepass")]


READINGS: Final[tuple[Reading, ...]] = (
    *DECISIONS,
    *EXAMINATION,
    *EVIDENCE,
    *RULES,
    *RETENTION,
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
        named="reference", required=True),
    latest("request", models.ControlRequest.objects.all, lambda one: [request_content(one)], named="reference",
        required=True),
    replace(
        latest("match", models.LookoutMatch.objects.all, _match, named="reference"),
        count=settled().count, every=settled_keys,
    ),
    latest("officer", models.Officer.objects.all, _officer, required=True),
    latest("grant", models.Grant.objects.all, lambda one: [grant_content(one)], required=True),
    latest("client", models.ClientSystem.objects.all, lambda one: [client_content(one)], required=True),
    latest("office", models.Office.objects.all, lambda one: [_json(code=one.code, name=one.name)]),
    latest("token", models.Token.objects.all, lambda one: [token_content(one)], required=True),
    latest("set", models.PublishedSet.objects.all, _published, once=True, required=True),
    Reading(kind="draw", contents=_draw_days, whole=False),
    latest("duty", models.Duty.objects.all, lambda one: [duty_content(one)], required=True),
    latest("event", models.Event.objects.all, lambda one: [one.content_digest.encode()], once=True,
        required=True),
)  # fmt: skip
"""Every reading. A new kind of record that is recorded with content belongs here."""
