"""The published set: all that selects, as one immutable text named by its digest.

It holds the profiles that are active or in shadow, the indicators, lists and policy in force, the lookouts and the
trusted traders. Every process decides by the set of the latest publication; each decision names the set it used, and
replay reads it again.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.packing import packed, to_json, unpacked
from tidewaiter.core.errors import InputError, NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.lookout import Lookout, LookoutAction, LookoutKind
from tidewaiter.core.policy import Policy
from tidewaiter.core.profile import ProfileSet, Status
from tidewaiter.language.catalogue import catalogue_from_text, load_catalogue
from tidewaiter.language.policy import SHIPPED, read_policy_text
from tidewaiter.language.profiles import read_profile_texts
from tidewaiter.storage.records import models
from tidewaiter.storage.records.asking import ask, say

FORMAT = 1
SELECTING = (Status.ACTIVE, Status.SHADOW)


@dataclass(frozen=True, slots=True)
class Trader:
    """A trusted trader's status: the type the policy names, within its validity (both ends included)."""

    kind: str
    valid_from: date
    valid_to: date | None

    def in_force(self, on: date) -> bool:
        """Tell whether the status counts on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class SetContent:
    """A published set as values. Profiles carry their status: active ones select, those in shadow only run."""

    digest: str
    profiles: ProfileSet
    policy: Policy
    lookouts: tuple[Lookout, ...]
    traders: Mapping[str, Trader]


def publish(cause: str, *, at: datetime) -> models.Publication:
    """Compose the set from the records and put it in force, within the action that changed something.

    A set that is already in force is not published again.
    """
    text = composed()
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    latest = models.Publication.objects.order_by("-pk").first()
    if latest is not None and latest.set_id == digest:
        return latest
    keep_catalogue(load_catalogue(), at)
    models.PublishedSet.objects.get_or_create(digest=digest, defaults={"text": packed(text), "made_at": at})
    publication = models.Publication.objects.create(set_id=digest, at=at, cause=cause[:200])
    record(f"set:{digest}", text.encode("utf-8", "surrogatepass"), action="set.publish")
    record(f"publication:{publication.pk}", publication_content(publication), action="set.publish")
    return publication


def publication_content(publication: models.Publication) -> bytes:
    """Return what the audit chain holds of a publication: which set has been in force since when, and why."""
    at = publication.at.astimezone(UTC).isoformat()
    return to_json([publication.set_id, at, publication.cause]).encode("utf-8", "surrogatepass")


@action("set.publish")
def republish(*, cause: str, by: Actor, at: datetime) -> models.Publication:
    """Compose and publish again, when a validity began or ended or the shipped policy changed."""
    publication = publish(cause, at=at)
    record(f"publication:{publication.pk}")
    return publication


def composed() -> str:
    """Return the text of the set that the records now give: canonical JSON."""
    versions = models.ProfileVersion.objects.filter(status__in=SELECTING).order_by("code", "number")
    proposals = models.Proposal.objects.filter(state="in force").order_by("kind", "name", "number")
    in_force = {(one.kind, one.name): one for one in proposals}
    policy = next((one.text for (kind, _), one in in_force.items() if kind == "policy"), None)
    return to_json(
        {
            "format": FORMAT,
            "profiles": [{"code": v.code, "number": v.number, "status": v.status, "text": v.text} for v in versions],
            "indicators": {name: one.text for (kind, name), one in in_force.items() if kind == "indicator"},
            "lists": {name: one.text for (kind, name), one in in_force.items() if kind == "list"},
            "policy": policy if policy is not None else SHIPPED.read_text(encoding="utf-8"),
            "lookouts": [
                _lookout(one) for one in models.Lookout.objects.filter(state="in force").order_by("reference")
            ],
            "traders": _traders(),
        }
    )


_WEST, _EAST = timedelta(hours=12), timedelta(hours=14)
"""How far the clocks of the administration's zone may be behind or ahead of UTC, in which the records hold instants."""


def _lookout(one: models.Lookout) -> dict[str, object]:
    """Return a lookout by the days that its validity may touch in any zone; it is ended at the instant by its state."""
    return {
        "reference": one.reference,
        "kind": one.kind,
        "action": one.action,
        "values": one.subject.get("values", []),
        "names": one.subject.get("names", []),
        "instruction": one.instruction,
        "valid_from": (one.valid_from - _WEST).date().isoformat(),
        "valid_to": (one.expires_at + _EAST).date().isoformat(),
    }


def _traders() -> dict[str, object]:
    latest = {one.party_code: one for one in models.TrustedTrader.objects.order_by("party_code", "number")}
    return {
        code: {
            "kind": one.kind,
            "valid_from": one.valid_from.isoformat(),
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
        }
        for code, one in latest.items()
        if not one.suspended
    }


def latest_publication() -> models.Publication | None:
    """Return the publication in force; None before the first."""
    return models.Publication.objects.order_by("-pk").first()


def ask_again_after(digest: str, on: date, zone: ZoneInfo) -> None:
    """Have goods in flight asked once more where a group is decided by an older set or day than they were asked for.

    A process takes in a new set within seconds; what it decides meanwhile would else never meet what is new. Within
    the group's transaction, which holds the chain.
    """
    held = ask("SELECT id, set_id, redecided_at FROM records_publication ORDER BY id DESC LIMIT 1", ())
    for number, latest, asked in held:
        if asked is not None and (latest != digest or on < _instant(asked).astimezone(zone).date()):
            say("UPDATE records_publication SET redecided_at = NULL WHERE id = %s", (number,))


def _instant(held: datetime | str) -> datetime:
    """Return an instant as a statement gives it: SQLite holds texts, in UTC."""
    return held if isinstance(held, datetime) else datetime.fromisoformat(held).replace(tzinfo=UTC)


def set_content(digest: str, catalogue: Catalogue) -> SetContent:
    """Return a published set as values. Raises NotKnownError for a digest that was never published."""
    return content_of(set_text(digest), digest, catalogue)


def keep_catalogue(catalogue: Catalogue, at: datetime) -> None:
    """Keep the text of the fact catalogue that sets are read with, once a version: what replay reads them with later.

    Its version is a digest of its content, so that a text changed behind the service's back is not read.
    """
    if catalogue.text:
        models.CatalogueText.objects.get_or_create(
            version=catalogue.version, defaults={"text": packed(catalogue.text), "kept_at": at}
        )


def catalogue_then(version: str, now: Catalogue) -> Catalogue:
    """Return the catalogue of a version: as kept, else the one of now."""
    held = None if version == now.version else models.CatalogueText.objects.filter(pk=version).first()
    if held is None:
        return now
    try:
        found = catalogue_from_text(unpacked(held.text), f"catalogue {version}")
    except (InputError, ValueError):
        return now
    return found if found.version == version else now


def earlier_set(digest: str, catalogue: Catalogue) -> tuple[SetContent, Catalogue]:
    """Return a published set and the catalogue it was read with: the one given, else the latest kept that reads it.

    Raises NotKnownError for a digest that was never published, InputError where no catalogue reads it.
    """
    text = set_text(digest)
    try:
        return content_of(text, digest, catalogue), catalogue
    except InputError:
        for version in models.CatalogueText.objects.order_by("-kept_at").values_list("pk", flat=True):
            with suppress(InputError):
                then = catalogue_then(version, catalogue)
                return content_of(text, digest, then), then
        raise


def set_text(digest: str) -> str:
    """Return the text of a published set. Raises NotKnownError for a digest that was never published."""
    stored = models.PublishedSet.objects.filter(digest=digest).first()
    if stored is None:
        raise NotKnownError(f"no set {digest} was ever published")
    return unpacked(stored.text)


def content_of(text: str, digest: str, catalogue: Catalogue) -> SetContent:
    """Return the values of a set's text. Raises InputError when it cannot be read."""
    held = json.loads(text)
    used = {f"indicator {name}": one for name, one in held["indicators"].items()}
    used |= {f"list {name}": one for name, one in held["lists"].items()}
    profiles = _read_profiles(held["profiles"], used, catalogue)
    policy = read_policy_text(held["policy"], catalogue, indicators=profiles.indicators, lists=profiles.lists)
    return SetContent(
        digest=digest,
        profiles=profiles,
        policy=policy,
        lookouts=tuple(_read_lookout(one) for one in held["lookouts"]),
        traders={
            code: Trader(
                one["kind"],
                date.fromisoformat(one["valid_from"]),
                date.fromisoformat(one["valid_to"]) if one["valid_to"] else None,
            )
            for code, one in held["traders"].items()
        },
    )


def _read_profiles(stated: list[dict[str, Any]], used: Mapping[str, str], catalogue: Catalogue) -> ProfileSet:
    """Return the set by profile code, each with number and status as published, whatever its text says.

    A version in shadow beside the active one of its code stands under `CODE@NUMBER`.
    """
    active = {one["code"] for one in stated if one["status"] == Status.ACTIVE}
    beside = [one for one in stated if one["status"] == Status.SHADOW and one["code"] in active]
    alone = [one for one in stated if one not in beside]
    found = _as_published(alone, used, catalogue)
    if beside:
        shadows = _as_published(beside, used, catalogue).profiles.values()
        named = {f"{profile.code}@{profile.version}": profile for profile in shadows}
        found = ProfileSet({**found.profiles, **named}, found.indicators, found.lists)
    return found


def _as_published(stated: list[dict[str, Any]], used: Mapping[str, str], catalogue: Catalogue) -> ProfileSet:
    found = read_profile_texts({**used, **{f"profile {one['code']}": one["text"] for one in stated}}, catalogue)
    standing = {one["code"]: one for one in stated}
    profiles = {
        code: replace(profile, version=int(standing[code]["number"]), status=Status(standing[code]["status"]))
        for code, profile in found.profiles.items()
    }
    return ProfileSet(profiles, found.indicators, found.lists)


def _read_lookout(one: dict[str, object]) -> Lookout:
    def texts(name: str) -> tuple[str, ...]:
        found = one[name]
        return tuple(str(value) for value in found) if isinstance(found, list) else ()

    return Lookout(
        reference=str(one["reference"]),
        kind=LookoutKind(str(one["kind"])),
        action=LookoutAction(str(one["action"])),
        values=texts("values"),
        names=texts("names"),
        instruction=str(one["instruction"]),
        valid_from=date.fromisoformat(str(one["valid_from"])),
        valid_to=date.fromisoformat(str(one["valid_to"])),
    )
