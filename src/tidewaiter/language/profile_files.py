"""What one profile file says, before names are looked up: a profile, some indicators, or a named list."""

import re
from dataclasses import dataclass
from pathlib import Path

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import Indicator, NamedList, Profile, Status, TestCase, Treatment
from tidewaiter.core.tables import TABLES
from tidewaiter.language.cases import case_facts
from tidewaiter.language.documents import MAX_BYTES, Entries, Node, Scalar, read_document, read_text
from tidewaiter.language.fields import Fields
from tidewaiter.language.lists import is_list, read_list
from tidewaiter.language.syntax import RESERVED

TEXTS = (
    "title", "risk_area", "register_entry", "description", "assessment", "level", "rationale", "instruction", "owner",
    "contact", "author", "approver", "legal_basis", "handling", "evaluation",
)  # fmt: skip
LINES = ("flow", "offices", "result_codes", "sources")
DAYS = ("valid_from", "valid_to", "review_on")
NUMBERS = ("forecast_matches_per_day", "forecast_hours_per_day")
KEYS = (
    "code", "version", "title", "status", "example", "risk_area", "register_entry", "description", "assessment",
    "level", "rationale", "flow", "offices", "condition", "exceptions", "treatments", "instruction", "result_codes",
    "valid_from", "valid_to", "review_on", "forecast_matches_per_day", "forecast_hours_per_day", "owner", "contact",
    "author", "approver", "legal_basis", "handling", "sources", "evaluation", "test_cases",
)  # fmt: skip
"""The keys of a profile, in the order in which they are written."""

_INDICATOR_KEYS = ("condition", "title", "rationale", "source", "instruction", "version", "example", "test_cases")
_TREATMENT_KEYS = ("channel", "probability", "controls")
_CODE = re.compile(r"[A-Za-z0-9][\w./-]{0,63}")
_NAME = re.compile("[a-z][a-z0-9_]{0,63}")
_PENDING = Always(False)


@dataclass(frozen=True, slots=True)
class WrittenProfile:
    """A profile whose condition and exceptions are still text."""

    profile: Profile
    condition: Scalar | None
    exceptions: Scalar | None


@dataclass(frozen=True, slots=True)
class WrittenIndicator:
    """An indicator whose condition is still text."""

    indicator: Indicator
    condition: Scalar | None


type Written = WrittenProfile | WrittenIndicator | NamedList


def written_in(path: Path, catalogue: Catalogue, problems: list[Problem]) -> list[Written]:
    """Return what the file holds; problems are noted, and what cannot be read is left out."""
    try:
        text = read_text(path)
    except InputError as error:
        problems.extend(error.problems)
        return []
    return _written(text, str(path), path.parent, catalogue, problems)


def written_in_text(text: str, name: str, catalogue: Catalogue, problems: list[Problem]) -> list[Written]:
    """Return what a text holds, as `written_in` does for a file; problems are placed by the name."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        problems.append(Problem(f"is larger than {MAX_BYTES:,} bytes", Place(name), "split it into several texts"))
        return []
    return _written(text, name, None, catalogue, problems)


def _written(text: str, name: str, folder: Path | None, catalogue: Catalogue, problems: list[Problem]) -> list[Written]:
    try:
        root = read_document(text, name)
    except InputError as error:
        problems.extend(error.problems)
        return []
    if is_list(root):
        found = read_list(Fields(root, problems), folder) if isinstance(root, Entries) else None
        return [found] if found else []
    if isinstance(root, Entries) and "indicators" in root.by_key:
        return list(_indicators(Fields(root, problems), catalogue))
    if isinstance(root, Entries) and ("code" in root.by_key or "condition" in root.by_key):
        return [_profile(Fields(root, problems), catalogue)]
    advice = "a profile has 'code:' and 'condition:', indicators stand under 'indicators:', a list begins with 'list:'"
    problems.append(Problem("is neither a profile nor indicators nor a list", root.place, advice))
    return []


def _indicators(fields: Fields, catalogue: Catalogue) -> list[WrittenIndicator]:
    fields.refuse_unknown(("indicators",), "a file of indicators")
    node = fields.node.get("indicators")
    if not isinstance(node, Entries):
        fields.say("'indicators' is a mapping", node or fields.node, "write each name with its condition below it")
        return []
    return [found for key, value in node.pairs if (found := _indicator(fields, key, value, catalogue))]


def _indicator(fields: Fields, key: Scalar, value: Node, catalogue: Catalogue) -> WrittenIndicator | None:
    if not _NAME.fullmatch(key.text):
        fields.say(f"'{key.text}' is not a name of an indicator", key, "use a-z, 0-9 and _, a letter first")
    elif key.text in RESERVED:
        fields.say(f"'{key.text}' is a word of the condition language", key, "choose another name")
    record = fields.record(value, f"indicator '{key.text}'")
    if record is None:
        return None
    record.refuse_unknown(_INDICATOR_KEYS, "an indicator")
    indicator = Indicator(
        name=key.text,
        condition=_PENDING,
        title=record.text("title"),
        rationale=record.text("rationale"),
        source=record.text("source"),
        instruction=record.text("instruction"),
        test_cases=_cases(record, catalogue),
        version=record.whole("version", 1),
        example=record.flag("example"),
        place=key.place,
    )
    return WrittenIndicator(indicator, _condition(record, f"indicator '{key.text}'"))


def _condition(fields: Fields, what: str) -> Scalar | None:
    node, written = fields.scalar("condition"), fields.node.get("condition")
    if node is None and (written is None or isinstance(written, Scalar)):
        fields.say(f"{what} has no condition", written or fields.node, "write 'condition:'")
    return node


def _profile(fields: Fields, catalogue: Catalogue) -> WrittenProfile:
    fields.refuse_unknown(KEYS, "a profile")
    code = fields.text("code")
    place = (fields.node.get("code") or fields.node).place
    if not _CODE.fullmatch(code):
        message = f"'{code}' is not a code of a profile" if code else "the profile has no code"
        fields.problems.append(Problem(message, place, "use letters, digits and . / - _, for example FW-014"))
    first, last, review = (fields.day(key) for key in DAYS)
    if first and last and first > last:
        fields.say("the validity ends before it begins", fields.node.by_key["valid_to"], "exchange the two days")
    matches, hours = (fields.number(key) for key in NUMBERS)
    profile = Profile(
        code=code,
        condition=_PENDING,
        version=fields.whole("version", 1),
        status=fields.one_of("status", Status, Status.DRAFT),
        example=fields.flag("example"),
        treatments=_treatments(fields),
        valid_from=first,
        valid_to=last,
        review_on=review,
        forecast_matches_per_day=matches,
        forecast_hours_per_day=hours,
        test_cases=_cases(fields, catalogue),
        place=place,
        **{key: fields.text(key) for key in TEXTS},  # type: ignore[arg-type]
        **{key: fields.lines(key) for key in LINES},  # type: ignore[arg-type]
    )
    _check_flow(fields, profile)
    return WrittenProfile(profile, _condition(fields, "the profile"), fields.scalar("exceptions"))


def _check_flow(fields: Fields, profile: Profile) -> None:
    known = TABLES["declarations"].field("flow").values
    for flow in profile.flow:
        if known and flow not in known:
            fields.say(f"flow: '{flow}' is not known", fields.node.by_key["flow"], f"use one of {', '.join(known)}")


def _treatments(fields: Fields) -> tuple[Treatment, ...]:
    found: list[Treatment] = []
    for node in fields.items("treatments"):
        record = fields.record(node, "a treatment")
        if record is None:
            continue
        record.refuse_unknown(_TREATMENT_KEYS, "a treatment")
        if record.scalar("channel") is None:
            record.say("the treatment has no channel", node, "write 'channel: red'")
        probability = record.number("probability")
        if probability is not None and not 0 < probability <= 1:
            record.say(f"probability: {probability:g} is not above 0 and up to 1", node, "write 50 % as 0.5")
            probability = None
        channel = record.one_of("channel", Channel, Channel.RED)
        found.append(Treatment(channel, 1.0 if probability is None else probability, record.lines("controls")))
    if sum(treatment.probability for treatment in found) > 1 + 1e-9 and len(found) > 1:
        total = sum(treatment.probability for treatment in found)
        fields.say(f"the treatments' probabilities add up to {total:g}", fields.node.by_key["treatments"], "at most 1")
    return tuple(found)


def _cases(fields: Fields, catalogue: Catalogue) -> tuple[TestCase, ...]:
    found: list[TestCase] = []
    for node in fields.items("test_cases"):
        record = fields.record(node, "a test case")
        if record is None:
            continue
        record.refuse_unknown(("must_match", "must_not_match", "facts"), "a test case")
        named = [key for key in ("must_match", "must_not_match") if record.text(key)]
        if len(named) != 1:
            advice = "write 'must_match: what it shows' or 'must_not_match: what it shows'"
            record.say("a test case says once whether it must match", node, advice)
            continue
        facts = case_facts(record, catalogue)
        if facts is not None:
            found.append(TestCase(record.text(named[0]), facts, named[0] == "must_match", node.place))
    return tuple(found)
