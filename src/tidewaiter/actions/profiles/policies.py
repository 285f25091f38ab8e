"""The routing policy: proposed by one person, put in force by a risk manager who is another. Versions are numbered.

The number a version has in the records is the `version` its text states, so that a decision which names the policy it
used names this text. The policy shipped with the program counts as the version before the first.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of
from tidewaiter.actions.profiles.proposals import (
    decided,
    in_force,
    next_number,
    proposal,
    propose,
    put_in_force,
    refuse,
    text_digest,
    texts_in_force,
    trace,
)
from tidewaiter.actions.profiles.publishing import publish
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import Policy
from tidewaiter.language.policy import SHIPPED, read_policy_text
from tidewaiter.language.profiles import read_profile_texts
from tidewaiter.storage.records.models import Proposal

NAME: Final = "routing"
"""There is one policy, under this name."""

FIRST: Final = 2
"""The number of the first version: the shipped policy is version 1."""


@dataclass(frozen=True, slots=True)
class PolicyText:
    """The text of a policy with its number and digest; `shipped` tells that nobody put one in force yet."""

    number: int
    text: str
    digest: str
    shipped: bool


def policy_in_force() -> PolicyText:
    """Return the policy in force: the latest approved, else the one shipped."""
    current = in_force("policy", NAME)
    if current is None:
        text = SHIPPED.read_text(encoding="utf-8")
        return PolicyText(FIRST - 1, text, text_digest(text), shipped=True)
    return PolicyText(current.number, current.text, current.digest, shipped=False)


def next_version() -> int:
    """Return the number the next version states."""
    return max(FIRST, next_number("policy", NAME))


def check_policy(text: str, catalogue: Catalogue) -> Policy:
    """Return the policy of a text. Raises InputError with every problem, each with its place."""
    used = texts_in_force("indicator", "list")
    known = read_profile_texts(used, catalogue)
    return read_policy_text(text, catalogue, file="policy", indicators=known.indicators, lists=known.lists)


@action("policy.propose")
def propose_policy(*, text: str, reason: str, catalogue: Catalogue, by: Actor, at: datetime) -> Proposal:
    """Propose a version of the policy. Raises InputError with every problem of the text, its number included."""
    if not reason.strip():
        raise InputError(Problem("a reason is needed", suggestion="say why the policy changes"))
    policy, wanted = check_policy(text, catalogue), next_version()
    if policy.version != wanted:
        message = f"the text states version {policy.version}; the next is {wanted}"
        raise InputError(Problem(message, Place("policy"), f"write 'version: {wanted}'"))
    return propose("policy", NAME, text, reason=reason, by=officer_of(by), at=at, number=wanted)


@action("policy.approve")
def approve_policy(*, number: int, reason: str = "", catalogue: Catalogue, by: Actor, at: datetime) -> Proposal:
    """Put a proposed version in force, as another person than who proposed it."""
    found = proposal("policy", NAME, number)
    decided(found, by=officer_of(by), reason=reason, at=at)
    check_policy(found.text, catalogue)
    put_in_force(found, at=at)
    trace(found)
    publish(f"policy version {number}", at=at)
    return found


@action("policy.refuse")
def refuse_policy(*, number: int, reason: str, by: Actor, at: datetime) -> Proposal:
    """Refuse a proposed version, or take the own one back."""
    found = proposal("policy", NAME, number)
    refuse(found, by=officer_of(by), reason=reason, at=at)
    return found
