"""The catalogue of facts is data; its mistakes are told, its version follows its content."""

import pytest

from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Fact, FactType, KnownWhen, Origin
from tidewaiter.language.catalogue import catalogue_from_text, load_catalogue

NEEDED = """
  - {name: flow, type: text}
  - {name: office, type: text}
  - {name: lodged_on, type: date}
"""


def problems_of(entries: str) -> list[str]:
    """Return the problems of a catalogue with the entries every catalogue needs and these."""
    with pytest.raises(InputError) as caught:
        catalogue_from_text(f"facts:{NEEDED}{entries}")
    return [f"{problem.message}; {problem.suggestion}" for problem in caught.value.problems]


def test_an_entry_is_read_as_a_fact() -> None:
    entry = """
  - name: unit_value
    type: decimal
    scale: 4
    unit: national currency per kg
    meaning: Value of a kilogram
    known: pre-arrival
    origin: derived
    always_known: true
    source: {sql: "a / b", days: 30, over: [x, 1], exact: true, code: "030"}
"""
    fact = catalogue_from_text(f"facts:{NEEDED}{entry}")["unit_value"]
    assert fact == Fact("unit_value", FactType.DECIMAL, scale=4)
    assert (fact.unit, fact.meaning) == ("national currency per kg", "Value of a kilogram")
    assert (fact.known, fact.origin, fact.always_known) == (KnownWhen.PRE_ARRIVAL, Origin.DERIVED, True)
    assert fact.source == {"sql": "a / b", "days": 30, "over": ["x", 1], "exact": True, "code": "030"}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("  - {name: A, type: text}", "'A' is not a name of a fact; use a-z, 0-9 and _"),
        ("  - {name: points, type: text}", "'points' is a word of the condition language; choose another name"),
        (
            "  - {name: a, type: txt}",
            "'txt' is no type of a fact; use one of text, words, decimal, integer, ratio, date, flag",
        ),
        ("  - {name: a, type: text, known: soon}", "'soon' is no known of a fact; use one of pre-arrival, lodging"),
        ("  - {name: a, type: decimal}", "a decimal fact has a scale from 0 to 18; None"),
        ("  - {name: a, type: integer, scale: 2}", "only decimal facts have a scale; None"),
        ("  - {name: a, type: text, unitt: kg}", "'unitt' is no key of a fact; did you mean 'unit'?"),
        ("  - {name: flow, type: text}", "fact 'flow' stands twice; keep one of them"),
        ("  - a", "an entry is a mapping with name, type and meaning; None"),
    ],
)
def test_a_mistaken_entry_is_told(entry: str, problem: str) -> None:
    assert problems_of(entry) == [problem]


def test_a_catalogue_without_its_needed_facts_is_told() -> None:
    with pytest.raises(InputError, match="the date fact 'lodged_on' is not there"):
        catalogue_from_text("facts: [{name: flow, type: text}]")
    with pytest.raises(InputError, match="a catalogue is a list of facts"):
        catalogue_from_text("flow: text")


def test_the_version_follows_the_content_and_not_the_layout() -> None:
    first = catalogue_from_text(f"facts:{NEEDED}")
    assert catalogue_from_text(f"# more\nfacts:\n{NEEDED}\n").version == first.version
    assert catalogue_from_text(f"facts:{NEEDED.replace('text}', 'text, meaning: x}', 1)}").version != first.version


def test_the_shipped_catalogue_can_be_read() -> None:
    catalogue = load_catalogue()
    assert len(catalogue.facts) > 100
    assert all(fact.meaning for fact in catalogue)
