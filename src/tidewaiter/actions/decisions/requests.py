"""Requests for control: an operation, or a partner by mutual assistance, asks that goods be controlled.

A request names a declaration, a transport document or a container. It acts at once: goods in flight are decided again
with their own draw, those released lately are listed for recall, and whatever is declared later under the document or
in the container meets it until it expires or two persons end it. Its end lowers no channel. An examiner is shown its
instruction among the others; who asks and why stays with those who may see requests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import QuerySet

from tidewaiter.actions.acting import SERVICE, Actor, action, officer_of, record
from tidewaiter.actions.decisions.flight import RECALLED_DAYS, recall, redecide
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.draws import Keys, lodge_within
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.reading import read_row
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.tables import DECLARATIONS
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Classification, ControlRequest, Declaration, Mark, Officer
from tidewaiter.storage.records.models.lookout import random_reference
from tidewaiter.storage.records.visibility import cleared_for, visible_to

LONGEST: Final = timedelta(days=731)
"""How far ahead a request may expire."""

_LONGEST_TEXTS: Final = {"source_reference": 80, "asked_by": 200, "legal_basis": 200}
_MOST: Final = 100


class Source(StrEnum):
    """Where a request comes from."""

    OPERATION = "operation"
    MUTUAL_ASSISTANCE = "mutual assistance"


class SubjectKind(StrEnum):
    """What a request names. The words are those of the marks by which declarations are found again."""

    DECLARATION = "declaration"
    DOCUMENT = "document"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestText:
    """What a request says: who asks, on what basis, what it names, and what is to be done with it.

    `items` (of a declaration only) empty: all. `controls` empty: those of the channel. `reason` is restricted;
    `instruction` is what an examiner is shown.
    """

    source: Source
    source_reference: str
    asked_by: str
    legal_basis: str
    subject_kind: SubjectKind
    subject: str
    channel: Channel
    instruction: str
    reason: str
    items: tuple[int, ...] = ()
    controls: tuple[str, ...] = ()
    rank: int = 0


@action("request.raise")
def raise_request(
    *, text: RequestText, expires_at: datetime, standing: Standing, keys: Keys, by: Actor, at: datetime
) -> ControlRequest:
    """Put a request in force and decide the goods it names again, in one transaction.

    Raises InputError with every problem, NotAllowedError above the officer's own clearance.
    """
    officer = officer_of(by)
    subject = _checked(text, expires_at, at)
    if not cleared_for(officer, text.rank):
        raise NotAllowedError("you cannot raise a request above your own clearance")
    lock_chain()
    made = ControlRequest.objects.create(
        reference=random_reference("CR"),
        source=text.source.value,
        source_reference=text.source_reference.strip(),
        asked_by=text.asked_by.strip(),
        legal_basis=text.legal_basis.strip(),
        subject_kind=text.subject_kind.value,
        subject=subject,
        items=sorted(set(text.items)),
        channel=text.channel.value,
        controls=sorted({one.strip() for one in text.controls}),
        instruction=text.instruction,
        reason=text.reason,
        rank=text.rank,
        raised_by=officer,
        raised_at=at,
        expires_at=expires_at,
    )
    _trace(made)
    _ask_goods(made, standing, keys, at)
    return made


@action("request.end")
def end_request(*, reference: str, outcome: str, by: Actor, at: datetime) -> ControlRequest:
    """Ask that a request end, with what came of it; a second person confirms it.

    Raises NotKnownError for one that the officer may not see, ConflictError for one that has ended.
    """
    officer = officer_of(by)
    found = _held(reference, officer)
    if not outcome.strip():
        raise InputError(Problem("say what came of it", Place("outcome")))
    found.ended_by, found.outcome = officer, outcome
    found.save()
    _trace(found)
    return found


@action("request.confirm_end")
def confirm_request_end(*, reference: str, agreed: bool, by: Actor, at: datetime) -> ControlRequest:
    """Confirm, or refuse, the end that another person asked for. No channel falls by it.

    Raises NotAllowedError for the one who asked, ConflictError where nobody did.
    """
    officer = officer_of(by)
    found = _held(reference, officer)
    if found.ended_by_id is None:
        raise ConflictError(f"nobody asked for request {reference} to end")
    if agreed and found.ended_by_id == officer.pk:
        raise NotAllowedError("another person confirms what you asked for")
    if agreed:
        found.ended_second, found.ended_at = officer, at
    else:
        found.ended_by, found.outcome = None, ""
    found.save()
    _trace(found)
    return found


@action("request.read")
def read_requests(*, found: QuerySet[ControlRequest], by: Actor, at: datetime) -> list[ControlRequest]:
    """Return requests found for an officer (`seen_requests`, a page of them); the reading is recorded."""
    read = list(found)
    record("requests", to_json([one.reference for one in read]).encode())
    return read


@action("request.read")
def read_request(*, reference: str, by: Actor, at: datetime) -> ControlRequest:
    """Return a request that the officer may see; the reading is recorded. Raises NotKnownError for any other."""
    found = _seen(reference, officer_of(by))
    record(f"request:{found.reference}")
    return found


def seen_requests(officer: Officer) -> QuerySet[ControlRequest]:
    """Return the requests that the officer may see, the latest first."""
    return visible_to(officer, ControlRequest.objects.all()).order_by("-raised_at", "reference")


def state_of(found: ControlRequest, at: datetime) -> str:
    """Return where a request stands: in force, expired (what came of it is still owed) or ended."""
    if found.ended_at is not None:
        return "ended"
    return "in force" if found.expires_at > at else "expired"


def request_content(found: ControlRequest) -> bytes:
    """Return what the audit chain holds of a request."""
    plain = (
        "source", "source_reference", "asked_by", "legal_basis", "subject_kind", "subject", "items", "channel",
        "controls", "instruction", "reason", "rank", "outcome",
    )  # fmt: skip
    content: dict[str, object] = {name: getattr(found, name) for name in plain}
    ends = {"ending": found.ended_by_id is not None, "ended": found.ended_at is not None}
    stated = {"expires_at": found.expires_at.astimezone(UTC).isoformat()}
    return to_json(content | ends | stated).encode("utf-8", "surrogatepass")


def _trace(found: ControlRequest) -> None:
    record(f"request:{found.reference}", request_content(found))


def _seen(reference: str, officer: Officer) -> ControlRequest:
    found = visible_to(officer, ControlRequest.objects.all()).filter(reference=reference).first()
    if found is None:
        raise NotKnownError("there is no request of that reference")
    return found


def _held(reference: str, officer: Officer) -> ControlRequest:
    lock_chain()
    found = _seen(reference, officer)
    if found.ended_at is not None:
        raise ConflictError(f"request {reference} has ended")
    return found


def _ask_goods(made: ControlRequest, standing: Standing, keys: Keys, at: datetime) -> None:
    """Decide goods in flight that the request names again; list those released lately for recall."""
    goods = Declaration.objects.filter(pk__in=_named(made), cancelled_at=None)
    flying = sorted(goods.filter(in_flight=True).values_list("pk", flat=True))
    gone = goods.filter(in_flight=False, released_at__gte=at - timedelta(days=RECALLED_DAYS))
    released = sorted(gone.values_list("pk", flat=True))
    cause = f"request {made.reference}"
    lodge_within(standing.on, keys, at)
    if flying:
        redecide(standing=standing, news=None, numbers=flying, keys=keys, cause=cause, by=SERVICE, at=at)
    if released:
        recall(standing=standing, news=None, numbers=released, keys=keys, cause=cause, by=SERVICE, at=at)


def _named(made: ControlRequest) -> Sequence[str]:
    if made.subject_kind == SubjectKind.DECLARATION:
        return [made.subject]
    marks = Mark.objects.filter(kind=made.subject_kind, value=made.subject)
    return list(marks.values_list("declaration_id", flat=True).distinct())


def _checked(text: RequestText, expires_at: datetime, at: datetime) -> str:
    """Return the subject as declarations name it. Raises InputError with every problem of the text."""
    subject, problems = _subject(text)
    for name, longest in _LONGEST_TEXTS.items():
        said: str = getattr(text, name).strip()
        if not 0 < len(said) <= longest:
            problems.append(Problem(f"is a text of 1 to {longest} characters", Place(name)))
    if not text.instruction.strip():
        problems.append(Problem("say what is to be done, not why", Place("instruction")))
    if not text.reason.strip():
        problems.append(Problem("say why control is asked for", Place("reason")))
    if not text.channel.selects:
        problems.append(Problem("a request asks for red, orange or yellow", Place("channel")))
    if len(text.controls) > _MOST or not all(0 < len(one.strip()) <= 80 for one in text.controls):
        problems.append(Problem(f"names at most {_MOST} controls of 1 to 80 characters", Place("controls")))
    if not at < expires_at <= at + LONGEST:
        problems.append(Problem(f"lies after now, by {LONGEST.days} days at most", Place("expires_at")))
    if text.rank and not Classification.objects.filter(rank=text.rank).exists():
        problems.append(Problem(f"rank {text.rank} is not in the classification scheme", Place("rank")))
    if problems:
        raise InputError(problems)
    return subject


_FIELD: Final[Mapping[SubjectKind, str]] = {
    SubjectKind.DECLARATION: "declaration_id",
    SubjectKind.DOCUMENT: "previous_document",
    SubjectKind.CONTAINER: "containers",
}


def _subject(text: RequestText) -> tuple[str, list[Problem]]:
    field = _FIELD[text.subject_kind]
    given: object = [text.subject] if field == "containers" else text.subject
    row, wrong = read_row(DECLARATIONS, {field: given}, later=[one.name for one in DECLARATIONS.fields])
    problems = [Problem(one.message, Place("subject")) for one in wrong]
    read = row.get(field) or ""
    subject: str = read[0] if isinstance(read, list) else read
    if not problems and not 0 < len(subject) <= 200:
        problems.append(Problem("is a text of 1 to 200 characters", Place("subject")))
    if text.items and text.subject_kind is not SubjectKind.DECLARATION:
        problems.append(Problem("only a declaration has items", Place("items"), "leave them out: all are meant"))
    if len(text.items) > 10 * _MOST or not all(0 < number < 100_000 for number in text.items):
        problems.append(Problem("are numbers of items, from 1", Place("items")))
    return subject, problems
