"""The starter pack: complete, public, clearly examples, and silent where nothing is known.

`python tests/unit/test_starter.py` writes docs/reference/starter-pack.md anew.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml

import tidewaiter
from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Condition, Points, Use, facts_of, walk
from tidewaiter.core.profile import Indicator, Profile, ProfileSet, Status, effective_conditions
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.evaluate import truth
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.profiles import check, missing_parts, read_profiles
from tidewaiter.language.text import text_in_lines

PACK = Path(tidewaiter.__file__).parent / "starter"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "starter-pack.md"
CATALOGUE = load_catalogue()

PUBLIC_LIST = {
    "Vague description": ("vague_description",),
    "Placeholder party": ("placeholder_party",),
    "First-time importer": ("first_time_importer",),
    "New importer without record": ("new_importer_without_record",),
    "Prior offences of any party": (
        "importer_prior_findings",
        "importer_often_in_breach",
        "supplier_prior_findings",
        "declarant_often_in_breach",
        "address_of_exposed_importer",
    ),
    "Goods unrelated to the importer's history": ("goods_new_to_importer",),
    "Commodity-origin pair never or rarely seen": ("commodity_origin_rare",),
    "Unit value below or above its peers": (
        "unit_value_below_peers",
        "unit_value_far_below_median",
        "unit_value_above_peers",
    ),
    "Weight per unit or per package outlier": ("weight_per_piece_impossible", "weight_per_package_odd"),
    "Net mass not below gross mass": ("net_mass_reaches_gross",),
    "Quantity odd for the buyer": ("quantity_odd_for_importer",),
    "Freight above a share of value": ("freight_out_of_proportion",),
    "Circuitous route against the usual one": ("departure_unusual_for_origin", "route_new"),
    "Late amendment": ("late_amendment",),
    "Split shipments": ("shipments_in_a_row", "low_value_relief", "relief_in_regular_use"),
    "Origin differs from departure without a hub explaining it": ("departure_unusual_for_origin", "departure_is_a_hub"),
    "Source or transit port with recent seizures, decayed by age": (
        "port_with_recent_seizures",
        "origin_with_recent_seizures",
        "heading_with_recent_seizures",
    ),
    "Mirror gap of commodity and partner": ("mirror_gap",),
    "Description that disagrees with a code of lower duty": (
        "whole_goods_described_as_parts",
        "dear_for_a_code_of_parts",
    ),
    "Preferential claim when the origin's share jumps": ("preference_with_share_jump", "preference_on_odd_origin"),
    "Relief odd for the importer": ("relief_new_to_importer", "relief_odd_for_goods"),
    "Unknown consolidator or stuffing place": ("consolidator_unknown", "stuffing_place_unknown"),
    "Document contradictions": ("manifest_contradicts_declaration", "description_differs_from_manifest"),
    "Post-office box or virtual address": ("party_at_po_box",),
    "Container check digit invalid, or empty but heavy": ("container_number_invalid", "container_empty_but_heavy"),
    "Seal changed": ("seals_changed_on_the_way", "containers_unsealed"),
    "Short-shipped lines not written off": ("manifest_not_written_off",),
    "Deep house and master chains": ("many_houses_under_master",),
}
"""The public list of computable indicators, each entry with what covers it."""

TELLING_WORDS = (
    "because", "breach", "exposed", "finding", "high risk", "intelligence", "lookout", "prior", "profile", "record of",
    "score", "seizure", "selected", "suspect", "suspicion", "track record", "watch list",
)  # fmt: skip
"""Words that would tell an examiner, or someone looking over the shoulder, why goods were picked."""

READ: ProfileSet = read_profiles([PACK], CATALOGUE)
INDICATORS = [pytest.param(indicator, id=name) for name, indicator in READ.indicators.items()]
PROFILES = [pytest.param(profile, id=code) for code, profile in READ.profiles.items()]


def conditions() -> Mapping[str, Condition]:
    """Return each profile's whole condition, ready for the engines."""
    return effective_conditions(READ, CATALOGUE, date(2025, 7, 1))


def written_conditions() -> Iterator[tuple[str, str]]:
    """Yield every condition and exception as the files have it, with its place."""
    for file in sorted(PACK.rglob("*.yaml")):
        root = yaml.safe_load(file.read_text(encoding="utf-8"))
        records = root.get("indicators", {file.stem: root})
        for name, record in records.items():
            for key in ("condition", "exceptions"):
                if key in record:
                    yield f"{file.name} {name} {key}", record[key]


def test_every_file_checks_without_problem_or_warning() -> None:
    assert [str(problem) for problem in check([PACK], CATALOGUE)] == []


def test_the_test_cases_hold_on_every_day_of_validity_of_the_lists() -> None:
    assert [str(problem) for problem in check([PACK], CATALOGUE, on=date(2025, 7, 1))] == []


def test_there_are_at_least_thirty_indicators_and_twenty_profiles() -> None:
    assert len(READ.indicators) >= 30
    assert len(READ.profiles) >= 20


@pytest.mark.parametrize("entry", PUBLIC_LIST)
def test_every_entry_of_the_public_list_is_covered(entry: str) -> None:
    assert set(PUBLIC_LIST[entry]) <= set(READ.indicators)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_an_indicator_says_why_whence_and_what_to_do_and_is_an_example(indicator: Indicator) -> None:
    blank = [part for part in ("title", "rationale", "source", "instruction") if not getattr(indicator, part)]
    assert blank == []
    assert indicator.example


@pytest.mark.parametrize("indicator", INDICATORS)
def test_an_indicator_shows_what_it_matches_what_not_and_what_missing_facts_do(indicator: Indicator) -> None:
    assert {case.must_match for case in indicator.test_cases} == {True, False}
    asked = {fact.name for fact in facts_of(indicator.condition)}
    assert any(not case.must_match and asked - set(case.facts) for case in indicator.test_cases)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_every_indicator_is_used_or_of_the_public_list(indicator: Indicator) -> None:
    used = {
        node.name
        for profile in READ.profiles.values()
        for condition in (profile.condition, profile.exceptions)
        if condition is not None
        for node in walk(condition)
        if isinstance(node, Use)
    }
    assert indicator.name in used | {name for names in PUBLIC_LIST.values() for name in names}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_could_be_put_in_force_and_says_it_is_an_example(profile: Profile) -> None:
    assert missing_parts(profile) == []
    assert profile.status is Status.ACTIVE
    assert profile.example
    assert "adopt it only after your own back-test and approval" in profile.assessment
    assert profile.evaluation


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_has_cases_on_both_sides_and_one_with_missing_facts(profile: Profile) -> None:
    assert {case.must_match for case in profile.test_cases} == {True, False}
    assert len(profile.test_cases) >= 4
    shown = {name for case in profile.test_cases if case.must_match for name in case.facts}
    assert any(not case.must_match and shown - set(case.facts) for case in profile.test_cases)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_instruction_is_a_short_checklist_that_does_not_tell_why(profile: Profile) -> None:
    lines = profile.instruction.splitlines()
    assert 2 <= len(lines) <= 6
    assert all(len(line) <= 120 and line.endswith(".") for line in lines)
    assert [word for word in TELLING_WORDS if word in profile.instruction.lower()] == []


def test_goods_of_which_nothing_is_known_match_no_profile() -> None:
    assert [code for code, condition in conditions().items() if truth(condition, {"flow": "import"})] == []


def test_sources_are_public() -> None:
    sources = [indicator.source for indicator in READ.indicators.values()]
    sources += [source for profile in READ.profiles.values() for source in profile.sources]
    assert [source for source in sources if "compendium" in source.lower()] == []


def test_the_channels_are_spread_and_some_hits_are_drawn_by_chance() -> None:
    treatments = [treatment for profile in READ.profiles.values() for treatment in profile.treatments]
    assert {treatment.channel for treatment in treatments} == {
        Channel.RED,
        Channel.ORANGE,
        Channel.YELLOW,
        Channel.BLUE,
    }
    assert any(sum(part.probability for part in profile.treatments) < 0.99 for profile in READ.profiles.values())


def test_the_pack_shows_counts_points_exceptions_and_lists_that_end() -> None:
    counts = [
        node for profile in READ.profiles.values() for node in walk(profile.condition) if isinstance(node, Points)
    ]
    assert {node.counted for node in counts} == {True, False}
    assert any(profile.exceptions is not None for profile in READ.profiles.values())
    assert any(entry.valid_to for named in READ.lists.values() for entry in named.entries)


@pytest.mark.parametrize(("where", "written"), [pytest.param(*found, id=found[0]) for found in written_conditions()])
def test_conditions_stand_in_their_canonical_text(where: str, written: str) -> None:
    read = parse_condition(written, CATALOGUE, indicators=READ.indicators, lists=READ.lists)
    assert text_in_lines(read) == written, where


def test_the_reference_page_is_up_to_date() -> None:
    advice = "run `python tests/unit/test_starter.py`"
    assert PAGE.read_text(encoding="utf-8") == page(READ), advice


def page(pack: ProfileSet) -> str:
    """Return the reference page."""
    parts = (_opening(), _profiles(pack), _indicators(pack), _lists(pack), _public_list())
    return "\n\n".join(parts) + "\n"


def _opening() -> str:
    return (
        "# Starter pack\n\n"
        "Indicators, profiles and lists that ship with Tidewaiter, under `src/tidewaiter/starter`. All are examples"
        " with starting values:\nthresholds are plausible, not tuned; codes of reliefs, licences and measures stand"
        " for your own. Copy what helps, back-test it on\nyour own data, tune it, and have it approved before it"
        " selects anything. Sources are public. Findings on pairs of declarant and\nofficer are no indicator: they"
        " go to the inspectorate only.\n\n"
        "This page is made from the files."
    )


def _profiles(pack: ProfileSet) -> str:
    rows = [
        f"| {code} | {profile.title} | {profile.risk_area} | {', '.join(profile.flow)} | {_channels(profile)} |"
        f" {profile.forecast_matches_per_day} |"
        for code, profile in sorted(pack.profiles.items())
    ]
    head = "| code | title | risk area | flow | channels | items a day |\n|---|---|---|---|---|---:|"
    note = "Items a day are the forecast: matched items in a generated country of 200,000 items in 18 months."
    return f"## Profiles ({len(rows)})\n\n{note}\n\n{head}\n" + "\n".join(rows)


def _channels(profile: Profile) -> str:
    return ", ".join(f"{treatment.channel} {treatment.probability:.0%}" for treatment in profile.treatments)


def _indicators(pack: ProfileSet) -> str:
    rows = [
        f"| `{name}` | {indicator.title} | {indicator.source} |" for name, indicator in sorted(pack.indicators.items())
    ]
    return f"## Indicators ({len(rows)})\n\n| name | title | source |\n|---|---|---|\n" + "\n".join(rows)


def _lists(pack: ProfileSet) -> str:
    rows = [
        f"| `{name}` | {named.title} | {len(named.entries)} | {sum(1 for entry in named.entries if entry.valid_to)} |"
        for name, named in sorted(pack.lists.items())
    ]
    head = "| name | title | entries | of these with an end |\n|---|---|---|---|"
    return f"## Lists ({len(rows)})\n\n{head}\n" + "\n".join(rows)


def _public_list() -> str:
    rows = [f"| {entry} | {', '.join(f'`{name}`' for name in names)} |" for entry, names in PUBLIC_LIST.items()]
    return "## The public list, entry by entry\n\n| entry | indicators |\n|---|---|\n" + "\n".join(rows)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(READ), encoding="utf-8")
