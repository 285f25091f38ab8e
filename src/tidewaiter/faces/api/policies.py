"""The routing policy: read, checked, proposed, and put in force by a second person."""

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status

from tidewaiter.actions.profiles import policies
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs
from tidewaiter.faces.api.forms import (
    Because,
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

router = Router(tags=["policy"])

_ONE = "/policy/versions/{number}"

type Number = Path[Version]


class PolicyAnswer(Schema):
    """The policy in force; `shipped` while nobody has put another one in force."""

    number: int
    text: str
    digest: str
    shipped: bool
    next_version: int


class PolicyGiven(Given):
    """A text of a policy, with the reason for it."""

    text: YamlText
    reason: ReasonText


class PolicyChecked(Given):
    """A text of a policy to be checked."""

    text: YamlText


class PolicyOutline(Schema):
    """What a checked text is."""

    name: str
    version: int


@router.get("/policy", auth=needs("policy.read"), response=PolicyAnswer, summary="Read the policy in force")
def get_policy(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """Return the policy that decides now, and the number that the next version states."""
    found = policies.policy_in_force()
    return {
        "number": found.number,
        "text": found.text,
        "digest": found.digest,
        "shipped": found.shipped,
        "next_version": policies.next_version(),
    }


@router.get("/policy/versions", auth=needs("policy.read"), response=ProposalPage, summary="List versions of the policy")
def list_policies(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return every version with its text, oldest first."""
    return proposal_page(request, Proposal.objects.filter(kind="policy"), asked, text=True)


@router.post("/policy/check", auth=needs("policy.propose"), response=PolicyOutline, summary="Check a policy")
def check_policy(request: HttpRequest, given: PolicyChecked) -> dict[str, Any]:  # noqa: ARG001
    """Read a text; 422 tells every problem with its place. Nothing is kept."""
    found = policies.check_policy(given.text, catalogue())
    return {"name": found.name, "version": found.version}


@router.post(
    "/policy/versions", auth=needs("policy.propose"), response={201: ProposalAnswer}, summary="Propose a policy"
)
def propose_policy(request: HttpRequest, given: PolicyGiven) -> Status[Any]:
    """Propose the next version."""
    found = policies.propose_policy(
        text=given.text, reason=given.reason, catalogue=catalogue(), by=caller(request), at=moment()
    )
    return Status(201, proposal_answer(found))


@router.post(f"{_ONE}/approve", auth=needs("policy.approve"), response=ProposalAnswer, summary="Approve a policy")
def approve_policy(request: HttpRequest, number: Number, given: Because) -> dict[str, Any]:
    """Put a proposed version in force, as the second person."""
    found = policies.approve_policy(
        number=number, reason=given.reason, catalogue=catalogue(), by=caller(request), at=moment()
    )
    return proposal_answer(found)


@router.post(f"{_ONE}/refuse", auth=needs("policy.refuse"), response=ProposalAnswer, summary="Refuse a policy")
def refuse_policy(request: HttpRequest, number: Number, given: Because) -> dict[str, Any]:
    """Refuse a proposed version, or take the own one back."""
    return proposal_answer(policies.refuse_policy(number=number, reason=given.reason, by=caller(request), at=moment()))
