"""Declarations in flight with a lookout's possible match that a person confirmed after they were decided.

It is no news of the published set, for it concerns one declaration: the worker has it decided again.
"""

from django.db.models import Exists, OuterRef, Subquery

from tidewaiter.storage.records.models import Decision, Declaration, LookoutMatch


def confirmed_since() -> list[str]:
    """Return the numbers of declarations in flight with a match confirmed since their decision, sorted."""
    decided_at = Decision.objects.filter(pk=OuterRef("decision_id")).values("decided_at")[:1]
    match = LookoutMatch.objects.filter(
        declaration_id=OuterRef("pk"), state="confirmed", lookout__covert=False, settled_at__gt=OuterRef("decided_at")
    )
    met = LookoutMatch.objects.filter(state="confirmed", lookout__covert=False).values("declaration_id")
    flying = Declaration.objects.filter(in_flight=True, pk__in=met).annotate(decided_at=Subquery(decided_at))
    return list(flying.filter(Exists(match)).order_by("pk").values_list("pk", flat=True))
