"""Lists and indicators: edits, what they would lose or change, and the second person."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.profiles import indicators, lists
from tidewaiter.actions.profiles.lists import ListEdit
from tidewaiter.core.list_change import Direction
from tidewaiter.core.profile import Entry
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, today
from tidewaiter.faces.api.forms import (
    Because,
    Code,
    Day,
    ProposalAnswer,
    ProposalPage,
    ReasonText,
    Version,
    YamlText,
    proposal_answer,
    proposal_page,
)
from tidewaiter.faces.api.known import catalogue
from tidewaiter.storage.records.models import Proposal

router = Router(tags=["lists"])

_EDIT = "/lists/{name}/versions/{number}"
_INDICATORS = "/indicators/{name}/versions/{number}"

type Value = Annotated[str, Field(min_length=1, max_length=200, description="A value of the list")]
type Name = Path[Code]
type Number = Path[Version]


class ListEntry(Given):
    """An entry of a list; both ends of its validity are included."""

    value: Value
    valid_from: Day | None = None
    valid_to: Day | None = None
    note: Annotated[str, Field(max_length=500)] = ""

    def entry(self) -> Entry:
        """Return the entry as a value."""
        return Entry(self.value, self.valid_from, self.valid_to, self.note)


class EditGiven(Given):
    """What is to change in a list in force."""

    add: list[ListEntry] = Field([], max_length=10_000)
    remove: list[Value] = Field([], max_length=10_000, description="All entries of these values go")
    change: list[ListEntry] = Field([], max_length=10_000, description="They replace all of their value")

    def edit(self) -> ListEdit:
        """Return the edit as a value."""
        return ListEdit(
            add=tuple(one.entry() for one in self.add),
            remove=tuple(self.remove),
            change=tuple(one.entry() for one in self.change),
        )


class EditBecause(EditGiven):
    """An edit with its reason."""

    reason: ReasonText


class TextBecause(Given):
    """A whole new text with its reason."""

    text: YamlText
    reason: ReasonText


class Comment(Given):
    """What a reviewer says."""

    comment: ReasonText


class PreviewAnswer(Schema):
    """What an edit would do. `effect.selections` is null for one that raises."""

    direction: Direction
    effect: dict[str, Any]
    text: str


class ListsAsked(Page):
    """Which versions of lists are asked for: those in force, or by what they wait for."""

    waiting: Annotated[bool, Field(description="Lowering edits that wait for a second person")] = False
    to_review: Annotated[bool, Field(description="Raising edits that nobody has reviewed yet")] = False
    overdue: Annotated[bool, Field(description="Of these, the ones more than a day old")] = False


@router.get("/lists", auth=needs("list.read"), response=ProposalPage, summary="List lists")
def list_lists(request: HttpRequest, asked: Query[ListsAsked]) -> dict[str, Any]:
    """Return the lists in force, or the edits that wait for somebody."""
    found = lists.lists_in_force()
    if asked.waiting:
        found = lists.waiting_edits()
    elif asked.overdue:
        found = lists.overdue_reviews(moment())
    elif asked.to_review:
        found = lists.to_review()
    return proposal_page(request, found, asked)


@router.get("/lists/{name}", auth=needs("list.read"), response=ProposalPage, summary="Read the versions of a list")
def list_versions(request: HttpRequest, name: Name, asked: Query[Page]) -> dict[str, Any]:
    """Return every version of a list with its text, oldest first."""
    return proposal_page(request, Proposal.objects.filter(kind="list", name=name), asked, text=True)


@router.post(
    "/lists/{name}/edits/preview", auth=needs("list.edit"), response=PreviewAnswer, summary="See what an edit would do"
)
def preview_list_edit(request: HttpRequest, name: Name, given: EditGiven) -> dict[str, Any]:  # noqa: ARG001
    """Return the direction of an edit and the past selections it would have lost; nothing is changed."""
    found = lists.preview_edit(name=name, edit=given.edit(), catalogue=catalogue(), on=today())
    return {"direction": found.direction, "effect": found.as_json(), "text": found.text}


@router.post("/lists/{name}/edits", auth=needs("list.edit"), response={201: ProposalAnswer}, summary="Edit a list")
def edit_list(request: HttpRequest, name: Name, given: EditBecause) -> Status[Any]:
    """Edit a list: in force at once where that raises, else proposed to a second person (`state` tells)."""
    found = lists.edit_list(
        name=name,
        edit=given.edit(),
        reason=given.reason,
        catalogue=catalogue(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, proposal_answer(found))


@router.put("/lists/{name}/text", auth=needs("list.edit"), response={201: ProposalAnswer}, summary="Write a list anew")
def write_list(request: HttpRequest, name: Name, given: TextBecause) -> Status[Any]:
    """Give a list a whole new text, or propose a new list, by the same rule as an edit."""
    found = lists.write_list_text(
        name=name,
        text=given.text,
        reason=given.reason,
        catalogue=catalogue(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, proposal_answer(found))


@router.post(f"{_EDIT}/approve", auth=needs("list.approve"), response=ProposalAnswer, summary="Approve a lowering edit")
def approve_list_edit(request: HttpRequest, name: Name, number: Number, given: Because) -> dict[str, Any]:
    """Put a lowering edit in force, as the second person."""
    return proposal_answer(
        lists.approve_edit(name=name, number=number, reason=given.reason, by=caller(request), at=moment())
    )


@router.post(f"{_EDIT}/refuse", auth=needs("list.refuse"), response=ProposalAnswer, summary="Refuse a lowering edit")
def refuse_list_edit(request: HttpRequest, name: Name, number: Number, given: Because) -> dict[str, Any]:
    """Refuse an edit that waits, or take the own one back."""
    return proposal_answer(
        lists.refuse_edit(name=name, number=number, reason=given.reason, by=caller(request), at=moment())
    )


@router.post(f"{_EDIT}/review", auth=needs("list.review"), response=ProposalAnswer, summary="Review a raising edit")
def review_list_edit(request: HttpRequest, name: Name, number: Number, given: Comment) -> dict[str, Any]:
    """Note the review, by another person, of an edit that acted at once."""
    return proposal_answer(
        lists.review_edit(name=name, number=number, comment=given.comment, by=caller(request), at=moment())
    )


@router.get("/indicators", auth=needs("profile.read"), response=ProposalPage, summary="List indicators")
def list_indicators(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return every version of the texts of indicators, oldest first."""
    return proposal_page(request, Proposal.objects.filter(kind="indicator"), asked, text=True)


@router.put(
    "/indicators/{name}/text",
    auth=needs("indicator.propose"),
    response={201: ProposalAnswer},
    summary="Propose indicators",
)
def propose_indicators(request: HttpRequest, name: Name, given: TextBecause) -> Status[Any]:
    """Propose a text of indicators; `effect.profiles` names the profiles in force that it changes."""
    found = indicators.propose_indicators(
        name=name,
        text=given.text,
        reason=given.reason,
        catalogue=catalogue(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, proposal_answer(found))


@router.post(
    f"{_INDICATORS}/approve", auth=needs("indicator.approve"), response=ProposalAnswer, summary="Approve indicators"
)
def approve_indicators(request: HttpRequest, name: Name, number: Number, given: Because) -> dict[str, Any]:
    """Put proposed indicators in force, as the second person."""
    found = indicators.approve_indicators(
        name=name,
        number=number,
        reason=given.reason,
        catalogue=catalogue(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return proposal_answer(found)


@router.post(
    f"{_INDICATORS}/refuse", auth=needs("indicator.refuse"), response=ProposalAnswer, summary="Refuse indicators"
)
def refuse_indicators(request: HttpRequest, name: Name, number: Number, given: Because) -> dict[str, Any]:
    """Refuse proposed indicators, or take the own ones back."""
    found = indicators.refuse_indicators(name=name, number=number, reason=given.reason, by=caller(request), at=moment())
    return proposal_answer(found)
