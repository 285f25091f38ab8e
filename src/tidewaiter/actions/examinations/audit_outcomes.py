"""What post-clearance audits found, for the measures it belongs to.

An audit is no examination: it looks at books after the goods have gone, at goods chosen otherwise. So its outcome never
enters the hit rate of examinations. It is copied into the lake's results under an act of its own, where it counts in
the history of its importer and in no measure of what selected goods; here it stays with its referral, which names the
decision and so every reason that fired. From there a profile is scored by audits apart (`audit_rates`), and an override
that no examination followed is measured by the audit (`found_by_audit`).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tidewaiter.actions.examinations.acts import AUDIT, CLOSED, NOT_INSPECTED
from tidewaiter.actions.packing import unpacked
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.finding import is_material
from tidewaiter.core.rate import Rate, rate
from tidewaiter.core.tables.results import FOUND
from tidewaiter.storage.records.models import Referral

AT_ONCE: Final = 500


def audit_rates(codes: Collection[str], *, start: datetime, end: datetime, material_duty: Decimal) -> dict[str, Rate]:
    """Return by profile the share of audits completed from start to end (not included) with a material finding.

    Counted are declarations whose audited decision the profile fired for. Nothing where nothing was audited; what was
    closed unaudited counts nowhere.
    """
    audited: defaultdict[str, set[str]] = defaultdict(set)
    found: defaultdict[str, set[str]] = defaultdict(set)
    held = Referral.objects.filter(kind=AUDIT, state=CLOSED, closed_at__gte=start, closed_at__lt=end)
    completed = held.exclude(outcome=NOT_INSPECTED).exclude(decision=None).order_by("pk")
    fields = completed.values_list("declaration_id", "row", "decision__body")
    for number, row, body in fields.iterator(chunk_size=AT_ONCE):
        for code in _fired(body) & set(codes):
            audited[code].add(number)
            if _material(row, material_duty):
                found[code].add(number)
    rates = {code: rate(len(found[code]), len(numbers)) for code, numbers in audited.items()}
    return {code: one for code, one in rates.items() if one is not None}


def found_by_audit(declarations: Collection[str]) -> dict[str, bool]:
    """Return for each of the declarations that was audited whether any audit found something."""
    found: dict[str, bool] = {}
    numbers = sorted(declarations)
    for first in range(0, len(numbers), AT_ONCE):
        some = Referral.objects.filter(kind=AUDIT, state=CLOSED, declaration_id__in=numbers[first : first + AT_ONCE])
        for number, outcome in some.exclude(outcome=NOT_INSPECTED).values_list("declaration_id", "outcome"):
            found[number] = found.get(number, False) or outcome in FOUND
    return found


def _fired(body: bytes | memoryview) -> set[str]:
    decision: Mapping[str, Any] = json.loads(unpacked(body))["decision"]
    return {one["code"] for one in decision["reasons"] if one["kind"] == ReasonKind.PROFILE and one["fired"]}


def _material(row: Mapping[str, Any], material_duty: Decimal) -> bool:
    duty = row.get("duty_assessed")
    return is_material(
        state="final",
        outcome=row["outcome"],
        categories=row.get("categories") or (),
        duty_assessed=None if duty is None else Decimal(str(duty)),
        seizure_value=None,
        material_duty=material_duty,
    )
