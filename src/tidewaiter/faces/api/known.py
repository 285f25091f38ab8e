"""What routes about profiles, lists and policy look things up in: the fact catalogue, read once a process."""

from functools import cache

from tidewaiter.core.facts import Catalogue
from tidewaiter.language.catalogue import load_catalogue


@cache
def catalogue() -> Catalogue:
    """Return the fact catalogue."""
    return load_catalogue()
