"""What an administration settles once: its currency, its time zone, and what counts as a material finding."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """The settings every figure of one administration rests on.

    `currency` is the ISO 4217 code of the national currency; `time_zone` an IANA name (a day is its calendar day,
    day close its midnight); `material_duty` the duty assessed, in national currency, at or above which a finding is
    material (a finding without a duty figure is material by its category, see core.finding).
    """

    name: str = "Customs administration"
    currency: str = "USD"
    time_zone: str = "UTC"
    material_duty: Decimal = Decimal(0)
