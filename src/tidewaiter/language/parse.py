"""Reads the text of a condition into the typed tree; everything outside the safe list is refused with its place.

The grammar, loosest first: OR, AND, NOT, one literal. sqlglot cuts the text into tokens; the grammar is ours, since
its own keeps no places (decision 0002).
"""

from collections.abc import Callable, Collection, Mapping

from tidewaiter.core.condition import Always, Condition
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import NamedList
from tidewaiter.language.grammar import Grammar, TooDeep
from tidewaiter.language.literals import Refused
from tidewaiter.language.names import Names
from tidewaiter.language.places import shifted
from tidewaiter.language.syntax import UnreadableText, tokens_of

type PlaceOf = Callable[[int], Place]


def parse_condition(
    text: str,
    catalogue: Catalogue,
    *,
    indicators: Collection[str] = (),
    lists: Mapping[str, NamedList] | Collection[str] = (),
    place: Place | PlaceOf = Place(),  # noqa: B008  # a frozen value
) -> Condition:
    """Return the condition written in the text.

    `indicators` and `lists` are the names it may use. `place` is where the text begins, or gives the place of an
    offset of the text. Raises InputError with every problem that can be told apart.
    """
    start = place if isinstance(place, Place) else None
    place_of: PlaceOf = (
        place if not isinstance(place, Place) else lambda offset: shifted(start or Place(), text, offset)
    )
    problems: list[Refused] = []
    condition: Condition = Always(False)
    try:
        grammar = Grammar(tokens_of(text), Names(catalogue, indicators, lists), problems)
        condition = grammar.whole()
    except UnreadableText as error:
        problems.append(Refused(error.message, error.offset, error.suggestion))
    except TooDeep as error:
        problems.append(
            Refused(f"is nested deeper than {error.limit} levels", error.offset, "name parts as indicators")
        )
    if problems:
        raise InputError(
            Problem(problem.message, place_of(problem.offset), problem.suggestion)
            for problem in sorted(problems, key=lambda problem: problem.offset)
        )
    return condition
