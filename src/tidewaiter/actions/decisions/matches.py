"""Where lookouts were met: read by officers, only what `visible_to` lets pass, and possible matches settled."""

from datetime import datetime

from django.db.models import QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.profiles.lookouts import CLEARED, CONFIRMED, OPEN, given
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, NotAllowedError, NotKnownError
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, LookoutMatch, Mark, Officer
from tidewaiter.storage.records.visibility import visible_to


def seen_matches(officer: Officer) -> QuerySet[LookoutMatch]:
    """Return the matches that the officer may see."""
    return visible_to(officer, LookoutMatch.objects.all(), granting("lookout.read"))


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
    seen = visible_to(officer, LookoutMatch.objects.select_related("lookout"), granting("lookout.settle"))
    found = seen.filter(reference=match).first()
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


def _goods_of(match: LookoutMatch) -> set[str]:
    """Return the declarations of the goods that were met: the one named, and those lodged under the consignment met."""
    named = {match.declaration_id} if match.declaration_id else set()
    if not match.consignment_id:
        return named
    return named.union(
        Mark.objects.filter(kind="document", value=match.consignment_id).values_list("declaration_id", flat=True)
    )
