"""Which HS chapters a profile can meet, so that a checklist is drawn from instructions that fit the goods."""

from collections.abc import Mapping

from tidewaiter.core.condition import (
    And,
    Compare,
    Condition,
    OneOf,
    Op,
    Or,
    StartsWith,
    facts_of,
    in_negation_normal_form,
)
from tidewaiter.core.profile import Profile
from tidewaiter.language.evaluate import truth

ALL_CHAPTERS = frozenset(f"{number:02d}" for number in range(1, 100))
CHAPTER_FACTS = frozenset({"hs2", "hs_chapter"})
"""Facts that the chapter alone decides, as text and as a number."""

HS_FACTS = frozenset({"hs_code", "hs2", "hs4", "hs6"})


def chapters_of(condition: Condition) -> frozenset[str]:
    """Return the chapters (two digits) of the items the condition may be true for; all where it does not say."""
    return _chapters(in_negation_normal_form(condition))


def _chapters(condition: Condition) -> frozenset[str]:
    if {fact.name for fact in facts_of(condition)} <= CHAPTER_FACTS:
        return frozenset(c for c in ALL_CHAPTERS if truth(condition, {"hs2": c, "hs_chapter": int(c)}) is True)
    match condition:
        case And(terms):
            return frozenset.intersection(*(_chapters(term) for term in terms))
        case Or(terms):
            return frozenset.union(*(_chapters(term) for term in terms))
        case Compare(fact, Op.EQ, str(value)) if fact.name in HS_FACTS:
            return _starting([value])
        case OneOf(fact, values) if fact.name in HS_FACTS:
            return _starting([str(value) for value in values])
        case StartsWith(fact, prefixes) if fact.name in HS_FACTS:
            return _starting(prefixes)
        case _:
            return ALL_CHAPTERS


def _starting(prefixes: list[str] | tuple[str, ...]) -> frozenset[str]:
    return frozenset(chapter for chapter in ALL_CHAPTERS for prefix in prefixes if chapter.startswith(prefix[:2]))


def chapter_instructions(
    profiles: Mapping[str, Profile], conditions: Mapping[str, Condition]
) -> dict[str, tuple[str, ...]]:
    """Return for each chapter the instructions of the profiles that may meet it, sorted, without repeats."""
    lines: dict[str, set[str]] = {chapter: set() for chapter in ALL_CHAPTERS}
    for code, profile in profiles.items():
        if profile.instruction:
            for chapter in chapters_of(conditions[code]):
                lines[chapter].add(profile.instruction)
    return {chapter: tuple(sorted(found)) for chapter, found in sorted(lines.items()) if found}
