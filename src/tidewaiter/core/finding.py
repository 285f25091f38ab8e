"""When a result counts as a material finding, and what it brought in."""

from collections.abc import Collection
from decimal import Decimal

from tidewaiter.core.tables.results import FISCAL_CATEGORIES, FOUND, PROTECTION_CATEGORIES

IMMATERIAL_CATEGORIES = frozenset({"CLERICAL", "DOCUMENTATION"})


def is_material(
    *,
    state: str,
    outcome: str,
    categories: Collection[str],
    duty_assessed: Decimal | None,
    seizure_value: Decimal | None,
    material_duty: Decimal,
) -> bool:
    """Tell whether a result is a material finding: final, found, and material by category or by duty.

    A protection category, a permit or goods seized are always material. Otherwise the duty assessed decides where it
    is known (at or above `material_duty`, and above zero); where it is not known, any finding that is not merely
    clerical or documentary is material.
    """
    if state != "final" or outcome not in FOUND:
        return False
    if seizure_value is not None and seizure_value > 0:
        return True
    named = frozenset(categories)
    if named & (frozenset(PROTECTION_CATEGORIES) | {"PERMIT"}):
        return True
    if duty_assessed is not None:
        return duty_assessed > 0 and duty_assessed >= material_duty
    return not named or bool(named - IMMATERIAL_CATEGORIES) or bool(named & frozenset(FISCAL_CATEGORIES))
