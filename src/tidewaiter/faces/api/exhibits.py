"""Exhibits and their chain of custody; files kept with records."""

from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Field, File, Form, Path, Query, Router, Schema, Status
from ninja.files import UploadedFile

from tidewaiter.actions.examinations import attachments as files
from tidewaiter.actions.examinations import exhibits as kept
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, caller, moment, needs
from tidewaiter.faces.api.seizures import Numbered
from tidewaiter.faces.api.worklist import NO_NUL
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.records.models import Attachment, Exhibit, HandOver

router = Router(tags=["exhibits"])

type About = Annotated[
    str,
    Field(max_length=220, pattern=NO_NUL, description="act:N, seizure:N, exhibit:N or referral:N"),
]
type Seal = Annotated[str, Field(max_length=80)]
type Where = Annotated[str, Field(max_length=200)]
type Text = Annotated[str, Field(max_length=4000)]


class ExhibitGiven(Given):
    """An exhibit or sample as it is taken."""

    about: About
    kind: Annotated[str, Field(max_length=12, json_schema_extra={"enum": list(kept.KINDS)})]
    description: Text
    place: Where
    number: Annotated[str, Field(max_length=80)] = ""
    seal_before: Seal = ""
    seal_after: Seal = ""


class StepAnswer(Schema):
    """One step of the chain of custody; unsigned while `signed_at` is null."""

    ordinal: int
    giver: str
    taker: str
    seal_before: str
    seal_after: str
    place: str
    reason: str
    offered_at: datetime
    signed_at: datetime | None
    ended_as: str


class ExhibitAnswer(Schema):
    """An exhibit with its chain of custody and what is wrong with it."""

    number: str
    kind: str
    about: str
    description: str
    digest: str = Field(description="Hash at capture: SHA-256 of what was stated then")
    captured_by: str
    captured_at: datetime
    holder: str
    place: str
    steps: list[StepAnswer]
    problems: list[str]


@router.post("/exhibits", auth=needs("exhibit.capture"), response={201: ExhibitAnswer}, summary="Take an exhibit")
def exhibit(request: HttpRequest, given: ExhibitGiven) -> Status[Any]:
    """Take an exhibit or a sample; who takes it holds it."""
    made = kept.capture_exhibit(**given.model_dump(), by=caller(request), at=moment())
    return Status(201, _exhibit(made, (), ()))


@router.get("/exhibits/custody", auth=needs("exhibit.read"), response=ExhibitAnswer, summary="Read a chain of custody")
def custody(request: HttpRequest, asked: Query[Numbered]) -> dict[str, Any]:
    """Return an exhibit with every step it took."""
    found = kept.custody_of(number=asked.number, by=caller(request), at=moment())
    return _exhibit(found.exhibit, found.steps, found.problems)


class OfferGiven(Numbered):
    """An exhibit offered to another officer, with the seal found and the seal it goes with."""

    taker: Annotated[str, Field(max_length=80, description="Login of the officer who is to take it")]
    place: Where
    seal_before: Seal = ""
    seal_after: Seal = ""
    reason: Text = ""


class SignatureGiven(Numbered):
    """The taker's signature: the seal that is seen."""

    seal: Seal


class EndGiven(Numbered):
    """Why an offer comes to nothing."""

    reason: Text


@router.post("/exhibits/offers", auth=needs("exhibit.offer"), response={201: StepAnswer}, summary="Offer an exhibit")
def offer(request: HttpRequest, given: OfferGiven) -> Status[Any]:
    """Offer an exhibit; only its holder can, and it changes hands when the taker signs."""
    return Status(201, _step(kept.offer_exhibit(**given.model_dump(), by=caller(request), at=moment())))


@router.post("/exhibits/signatures", auth=needs("exhibit.sign"), response=StepAnswer, summary="Take an exhibit offered")
def signature(request: HttpRequest, given: SignatureGiven) -> dict[str, Any]:
    """Sign for what was offered to the caller."""
    return _step(kept.sign_exhibit(number=given.number, seal=given.seal, by=caller(request), at=moment()))


@router.post("/exhibits/refusals", auth=needs("exhibit.sign"), response=StepAnswer, summary="Decline an exhibit")
def exhibit_refusal(request: HttpRequest, given: EndGiven) -> dict[str, Any]:
    """Decline what was offered to the caller; the giver goes on holding it."""
    return _step(kept.decline_exhibit(number=given.number, reason=given.reason, by=caller(request), at=moment()))


@router.post("/exhibits/withdrawals", auth=needs("exhibit.offer"), response=StepAnswer, summary="Take an offer back")
def withdrawal(request: HttpRequest, given: EndGiven) -> dict[str, Any]:
    """Take back an offer that the caller made."""
    return _step(kept.withdraw_exhibit(number=given.number, reason=given.reason, by=caller(request), at=moment()))


def _exhibit(one: Exhibit, steps: tuple[HandOver, ...], problems: tuple[str, ...]) -> dict[str, Any]:
    return {
        "number": one.number,
        "kind": one.kind,
        "about": one.record,
        "description": one.description,
        "digest": one.digest,
        "captured_by": one.captured_by.login,
        "captured_at": one.captured_at,
        "holder": one.holder.login if one.holder else "",
        "place": one.place,
        "steps": [_step(step) for step in steps],
        "problems": list(problems),
    }


def _step(step: HandOver) -> dict[str, Any]:
    return {
        "ordinal": step.ordinal,
        "giver": step.giver.login,
        "taker": step.taker.login,
        "seal_before": step.seal_before,
        "seal_after": step.seal_after,
        "place": step.place,
        "reason": step.reason,
        "offered_at": step.offered_at,
        "signed_at": step.signed_at,
        "ended_as": step.ended_as,
    }


class AttachmentAnswer(Schema):
    """A file kept with a record; a privileged one is sealed and never given out."""

    number: int
    about: str
    name: str
    kind: str
    size: int
    digest: str = Field(description="Hash at capture: SHA-256 of the content")
    privileged: bool
    by: str
    at: datetime


class AttachmentGiven(Given):
    """What a file is kept with."""

    about: About
    privileged: Annotated[bool, Field(description="Under legal privilege: sealed unread")] = False


def store() -> Attachments:
    """Return where files are kept."""
    return Attachments(FilePath(settings.ATTACHMENTS))


@router.post("/attachments", auth=needs("attachment.add"), response={201: AttachmentAnswer}, summary="Keep a file")
def attachment(request: HttpRequest, given: Form[AttachmentGiven], file: File[UploadedFile]) -> Status[Any]:
    """Keep a file with a record. Its content must be of the kind that is stated."""
    if (file.size or 0) > files.LARGEST_BYTES:
        raise InputError(Problem(f"is larger than {files.LARGEST_BYTES:,} bytes", Place("content")))
    made = files.add_attachment(
        about=given.about,
        name=file.name or "",
        kind=file.content_type or "",
        content=file.read(),
        privileged=given.privileged,
        store=store(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, _attachment(made))


class AboutWhat(Given):
    """The record whose files are asked for."""

    about: About


@router.get("/attachments", auth=needs("attachment.read"), response=list[AttachmentAnswer], summary="List files")
def attachments(request: HttpRequest, asked: Query[AboutWhat]) -> list[dict[str, Any]]:
    """Return what is kept with a record."""
    found = files.attachments_of(about=asked.about, by=caller(request), at=moment())
    return [_attachment(one) for one in found]


@router.get("/attachments/{number}", auth=needs("attachment.read"), response={200: None}, summary="Read a file")
def attachment_content(
    request: HttpRequest, number: Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Number of an attachment")]
) -> HttpResponse:
    """Return a file as it was captured; the reading is recorded."""
    opened = files.open_attachment(attachment=number, store=store(), by=caller(request), at=moment())
    answer = HttpResponse(opened.content, content_type=opened.attachment.kind)
    answer["Content-Disposition"] = f'attachment; filename="{opened.attachment.digest[:16]}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _attachment(one: Attachment) -> dict[str, Any]:
    return {
        "number": one.pk,
        "about": one.record,
        "name": one.name,
        "kind": one.kind,
        "size": one.size,
        "digest": one.digest,
        "privileged": one.privileged,
        "by": one.by.login,
        "at": one.at,
    }
