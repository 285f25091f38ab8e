"""The test cases inside a profile: their facts as written, and whether the profile holds for them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from tidewaiter.core.condition import Condition, facts_of
from tidewaiter.core.errors import Problem
from tidewaiter.core.facts import Catalogue, Fact, FactType, FactValue, held, normalised_words
from tidewaiter.core.profile import Entry, Indicator, NamedList, Profile, TestCase, applicable, resolved
from tidewaiter.language.documents import Entries, Node, Scalar
from tidewaiter.language.evaluate import truth
from tidewaiter.language.fields import Fields, text_of
from tidewaiter.language.literals import Refused, day_of, number
from tidewaiter.language.numbers import read_number

_WANTED = {
    FactType.DATE: "write YYYY-MM-DD",
    FactType.FLAG: "write true or false",
}


def case_facts(case: Fields, catalogue: Catalogue) -> dict[str, object] | None:
    """Return the facts written in a test case, each as its type wants it; None, noted, when it has none."""
    node = case.node.get("facts")
    if not isinstance(node, Entries):
        case.say("the test case has no facts", node or case.node, "write 'facts:' with one fact a line")
        return None
    facts: dict[str, object] = {}
    for key, value in node.pairs:
        if key.text not in catalogue:
            near = catalogue.nearest(key.text)
            advice = f"did you mean '{near}'?" if near else "see `tidewaiter facts`"
            case.say(f"'{key.text}' is not a fact", key, advice)
        else:
            facts[key.text] = _fact_value(case, catalogue[key.text], value)
    return facts


def _fact_value(case: Fields, fact: Fact, node: Node) -> object:
    if not isinstance(node, Scalar):
        case.say(f"'{fact.name}' is one value", node)
        return None
    if node.missing:
        return None
    text = text_of(node)
    match fact.type:
        case FactType.TEXT | FactType.WORDS:
            return text
        case FactType.FLAG:
            value: object = {"true": True, "false": False}.get(text)
        case FactType.DATE:
            value = day_of(text)
        case _:
            return _number(case, fact, node)
    if value is None:
        case.say(f"'{fact.name}' is {fact.type} and '{text}' is not", node, _WANTED[fact.type])
    return value


def _number(case: Fields, fact: Fact, node: Scalar) -> Decimal | None:
    value = read_number(text_of(node))
    if value is None:
        case.say(f"'{fact.name}' is a number and '{node.text}' is not", node, "write for example 12.5")
        return None
    try:
        return number(fact, value, 0)
    except Refused as refused:
        case.say(refused.message, node, refused.suggestion)
        return None


def failed_cases(
    profile: Profile,
    indicators: Mapping[str, Condition],
    lists: Mapping[str, NamedList],
    catalogue: Catalogue,
    on: date | None,
) -> list[Problem]:
    """Return a problem for each test case that does not hold.

    A case that leaves out flow or office is read as within the profile's own. Lists are read on the case's
    `lodged_on`, else on `on`, else whatever the validity of their entries.
    """
    problems: list[Problem] = []
    for case in profile.test_cases:
        condition = _asked(profile, case, indicators, catalogue)
        day = case.facts.get("lodged_on") or on
        known = lists if isinstance(day, date) else {name: _always_valid(named) for name, named in lists.items()}
        whole = resolved(condition, known, day if isinstance(day, date) else date.max)
        found = truth(whole, held_facts(case.facts, catalogue))
        if (found is True) != case.must_match:
            problems.append(_failure(case, whole, found))
    return problems


def failed_indicator_cases(
    indicator: Indicator, lists: Mapping[str, NamedList], catalogue: Catalogue, on: date | None
) -> list[Problem]:
    """Return a problem for each test case of a linked indicator that does not hold; lists are read as for a profile."""
    alone = Profile(code=indicator.name, condition=indicator.condition, test_cases=indicator.test_cases)
    return failed_cases(alone, {}, lists, catalogue, on)


def _asked(profile: Profile, case: TestCase, indicators: Mapping[str, Condition], catalogue: Catalogue) -> Condition:
    flow = profile.flow if "flow" in case.facts else ()
    offices = profile.offices if "office" in case.facts else ()
    within = replace(profile, flow=flow, offices=offices)
    return applicable(within, indicators, catalogue["flow"], catalogue["office"])


def _failure(case: TestCase, condition: Condition, found: bool | None) -> Problem:
    missing = sorted(fact.name for fact in facts_of(condition) if case.facts.get(fact.name) is None)
    wanted = "must match and does not" if case.must_match else "must not match and does"
    advice = f"the case says nothing of {', '.join(missing)}" if missing and found is None else None
    return Problem(f"test case '{case.name}' {wanted}", case.place, advice or "mend the condition or the case")


def _always_valid(named: NamedList) -> NamedList:
    return NamedList(named.name, tuple(Entry(entry.value) for entry in named.entries), named.match)


def held_facts(facts: Mapping[str, object], catalogue: Catalogue) -> dict[str, FactValue]:
    """Return the facts of a test case as the engine holds them, words normalised."""
    return {
        name: normalised_words(str(value))
        if value is not None and catalogue[name].type is FactType.WORDS
        else held(value, catalogue[name])
        for name, value in facts.items()
    }
