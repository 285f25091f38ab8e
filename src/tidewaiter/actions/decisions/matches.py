"""Where lookouts were met: read by officers, only what `visible_to` lets pass, and possible matches settled.

What was met tells why goods were selected. So who may not read what is behind a decision is shown possible matches that
wait to be settled, each without its lookout, and the rest only of goods whose own examination is closed. Whatever other
role is held, nobody is shown more of goods that he or she has still to examine.
"""

from datetime import datetime

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.examinations.acts import CLOSED
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.profiles.lookouts import CLEARED, CONFIRMED, OPEN, given
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, NotAllowedError, NotKnownError
from tidewaiter.core.lookout import Certainty
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, LookoutMatch, Mark, Officer
from tidewaiter.storage.records.visibility import visible_to


def seen_matches(officer: Officer) -> QuerySet[LookoutMatch]:
    """Return the matches that the officer may see; see `lookout_of` for what is told of each."""
    return _seen(officer, "lookout.read")


def lookout_of(match: LookoutMatch) -> str | None:
    """Return the reference of the lookout of a match that was read for an officer; None where it is not told."""
    return match.lookout.reference if getattr(match, "told", False) else None


@action("lookout.read")
def read_matches(*, found: QuerySet[LookoutMatch], by: Actor, at: datetime) -> list[LookoutMatch]:
    """Return matches found for an officer (a page of `seen_matches`)."""
    read = list(found)
    record("matches", to_json([match.reference for match in read]).encode())
    return read


@action("lookout.settle")
def settle_match(*, match: str, confirmed: bool, reason: str, by: Actor, at: datetime) -> LookoutMatch:
    """Confirm or clear a possible match. A cleared one lowers no channel by itself: it no longer asks for anything.

    Raises NotKnownError for a match that the officer may not see, ConflictError for one that is settled,
    NotAllowedError for one who clears a match on goods given to him or her to examine.
    """
    officer = officer_of(by)
    lock_chain()
    found = _seen(officer, "lookout.settle").select_related("lookout").filter(reference=match).first()
    if found is None:
        raise NotKnownError("there is no match of that reference")
    if found.state != OPEN:
        raise ConflictError(f"match {match} is {found.state} already")
    if not confirmed and Act.objects.filter(declaration_id__in=_goods_of(found), officer=officer).exists():
        raise NotAllowedError("another officer clears a match on goods that you examine")
    found.state = CONFIRMED if confirmed else CLEARED
    found.settled_by, found.settled_at, found.reason = officer, at, given(reason, "say how you know")
    found.save()
    record(f"match:{found.reference}", to_json({"state": found.state, "reason": reason}).encode())
    return found


def _seen(officer: Officer, action: str) -> QuerySet[LookoutMatch]:
    """Return matches, each with whether all of it is `told`; where it is not, only possible ones still open."""
    own = Act.objects.filter(officer=officer)
    told = ~_of_goods_in(own.exclude(state=CLOSED))
    if not officer.holds(*granting("decision.trace")):
        told &= _of_goods_in(own.filter(state=CLOSED))
    found = visible_to(officer, LookoutMatch.objects.all(), granting(action))
    return found.annotate(told=ExpressionWrapper(told, BooleanField())).filter(
        Q(told=True) | Q(certainty=Certainty.POSSIBLE.value, state=OPEN)
    )


def _of_goods_in(acts: QuerySet[Act]) -> Q:
    """Return that one of the acts is on the goods of a match (see `_goods_of`)."""
    filed = Mark.objects.filter(kind="document", value=OuterRef("consignment_id"))
    return Q(Exists(acts.filter(declaration_id=OuterRef("declaration_id")))) | Q(
        Exists(filed.filter(declaration_id__in=acts.values("declaration_id")))
    )


def _goods_of(match: LookoutMatch) -> set[str]:
    """Return the declarations of the goods that were met: the one named, and those lodged under the consignment met."""
    named = {match.declaration_id} if match.declaration_id else set()
    if not match.consignment_id:
        return named
    return named.union(
        Mark.objects.filter(kind="document", value=match.consignment_id).values_list("declaration_id", flat=True)
    )
