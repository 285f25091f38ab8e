"""What overrides, seizures, exhibits, files and referrals say now of what their audit events digested."""

import json
from collections.abc import Collection, Iterator
from typing import Final

from tidewaiter.actions.audit.kept_content import Contents, Reading, latest
from tidewaiter.actions.decisions.consignments import consignment_content
from tidewaiter.actions.examinations import attachments, exhibits
from tidewaiter.actions.examinations.acts import referral_content
from tidewaiter.actions.examinations.overrides import IN_FORCE, OVERTAKEN, PROPOSED, SUPERSEDED, content_of
from tidewaiter.actions.examinations.seizures import seizure_content
from tidewaiter.storage.records import models


def _override(one: models.Override) -> list[bytes]:
    """Return the content of an override; one that a later one displaced was recorded as it stood before."""
    before = {SUPERSEDED: IN_FORCE, OVERTAKEN: PROPOSED}
    one.state = before.get(one.state, one.state)
    return [content_of(one)]


def _seizures(keys: Collection[str]) -> dict[str, Contents]:
    found: dict[str, list[Collection[bytes]]] = {}
    for one in models.Seizure.objects.filter(seizure_number__in=keys).order_by("seizure_number", "version"):
        found.setdefault(one.seizure_number, []).append(_seizure(one))
    return dict(found)


def _seizure_numbers() -> Iterator[str]:
    return iter(models.Seizure.objects.filter(version=1).order_by("pk").values_list("seizure_number", flat=True))


def _seizure(one: models.Seizure) -> list[bytes]:
    stated = (one.row.get("seizure_number"), one.row.get("office"), one.row.get("declaration_id", ""))
    return [seizure_content(one)] if stated == (one.seizure_number, one.office, one.declaration_id) else []


def _filing(one: models.Consignment) -> list[bytes]:
    told = json.loads(one.answer)
    stated = (told["consignment_id"], told["version"], told["outcome"])
    return [consignment_content(one)] if stated == (one.consignment_id, one.version, one.outcome) else []


def _captured(one: models.Exhibit) -> list[bytes]:
    """Return the hash at capture; nothing where the chain of custody does not lead from there to who holds it."""
    steps = list(one.hand_overs.order_by("ordinal"))
    return [] if exhibits.custody_problems(one, steps) else [one.digest.encode()]


def _handed(keys: Collection[str]) -> dict[str, Contents]:
    """Return each offer as it was made, and as it ended."""
    found: dict[str, list[Collection[bytes]]] = {}
    for step in models.HandOver.objects.filter(exhibit_id__in=keys).order_by("exhibit_id", "ordinal"):
        contents = found.setdefault(step.exhibit_id, [])
        ended = [exhibits.offer_content(step)] if step.signed_at or step.ended_at else None
        contents.append(list(_offered(step)))
        if ended is not None:
            contents.append(ended)
    return dict(found)


def _offered(step: models.HandOver) -> Iterator[bytes]:
    """Yield what an offer may have said when it was made: why it ended was written behind its reason."""
    parts = step.reason.split("; ")
    ended = bool(step.ended_as)
    step.signed_at, step.ended_as = None, ""
    for count in range(len(parts)) if ended else [len(parts)]:
        step.reason = "; ".join(parts[:count])
        yield exhibits.offer_content(step)


EVIDENCE: Final[tuple[Reading, ...]] = (
    latest("override", models.Override.objects.all, _override, required=True),
    Reading(kind="seizure", contents=_seizures, count=models.Seizure.objects.filter(version=1).count,
        every=_seizure_numbers),
    latest("exhibit", models.Exhibit.objects.select_related("captured_by").all, _captured, actions=["exhibit.capture"],
        once=True, required=True),
    Reading(kind="exhibit", contents=_handed, actions=frozenset({"exhibit.offer", "exhibit.sign"})),
    latest("attachment", models.Attachment.objects.all, lambda one: [attachments.attachment_content(one)],
        but=["attachment.read"], required=True),
    latest("attachment", models.Attachment.objects.all, lambda one: [one.digest.encode()], actions=["attachment.read"]),
    latest("referral", models.Referral.objects.all, lambda one: [referral_content(one)], but=["referral.export"],
        required=True),
    latest("filing", models.Consignment.objects.all, _filing, once=True, required=True),
)  # fmt: skip
"""Every reading of what is kept of goods beside decisions and acts."""
