"""Reads a number that stands alone, as conditions write numbers."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def read_number(text: str) -> Decimal | None:
    """Return the number written in the text, a sign allowed; None when it is none, or far too long."""
    return Decimal(text) if len(text) <= 60 and _NUMBER.fullmatch(text) else None
