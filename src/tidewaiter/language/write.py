"""Writes a profile or a named list as the YAML text that reads back as the same."""

from collections.abc import Mapping
from decimal import Decimal

import yaml

from tidewaiter.core.condition import Condition
from tidewaiter.core.profile import Entry, Match, NamedList, Profile, Status, TestCase, Treatment
from tidewaiter.language.profile_files import DAYS, KEYS, LINES, NUMBERS, TEXTS
from tidewaiter.language.text import constant_text, text_in_lines

_BREAKS = frozenset("\r\x85\u2028\u2029")
"""What YAML takes for the end of a line unless it is escaped."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _block(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.intersection(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


class Bare(str):
    """A number, day or truth, which YAML writes without quotes."""

    __slots__ = ()


def _bare(dumper: _Dumper, value: Bare) -> yaml.ScalarNode:
    tag: str = dumper.resolve(yaml.ScalarNode, str(value), (True, False))  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(tag, str(value))


_Dumper.add_representer(str, _block)
_Dumper.add_representer(Bare, _bare)


def write_profile(profile: Profile) -> str:
    """Return the profile as YAML; parts that are blank are left out. Texts lose their outer white space."""
    found = _parts(profile)
    return yaml_text({key: found[key] for key in KEYS if key in found})


def yaml_text(content: Mapping[str, object]) -> str:
    """Return keys and values, in their order, as YAML."""
    written: str = yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return written


def write_list(named: NamedList) -> str:
    """Return the list as YAML with its entries in the text; parts that are blank are left out."""
    found: dict[str, object] = {"list": named.name}
    for key in ("title", "source"):
        if value := getattr(named, key):
            found[key] = value
    if named.match is not Match.EXACT:
        found["match"] = str(named.match)
    found["entries"] = [_entry(entry) for entry in named.entries]
    written: str = yaml.dump(found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return written


def _entry(entry: Entry) -> object:
    days = {key: Bare(day) for key in ("valid_from", "valid_to") if (day := getattr(entry, key)) is not None}
    note = {"note": entry.note} if entry.note else {}
    return {"value": entry.value, **days, **note} if days or note else entry.value


def _parts(profile: Profile) -> dict[str, object]:
    found: dict[str, object] = {"code": profile.code, "condition": _condition(profile.condition)}
    for key in (*TEXTS, *DAYS, *NUMBERS):
        if (value := getattr(profile, key)) not in ("", None):
            found[key] = _plain(value)
    for key in LINES:
        if lines := getattr(profile, key):
            found[key] = list(lines)
    if profile.exceptions is not None:
        found["exceptions"] = _condition(profile.exceptions)
    if profile.version != 1:
        found["version"] = profile.version
    if profile.status is not Status.DRAFT:
        found["status"] = str(profile.status)
    if profile.example:
        found["example"] = True
    if profile.treatments:
        found["treatments"] = [_treatment(treatment) for treatment in profile.treatments]
    if profile.test_cases:
        found["test_cases"] = [_case(case) for case in profile.test_cases]
    return found


def _condition(condition: Condition) -> str:
    return text_in_lines(condition)


def _treatment(treatment: Treatment) -> dict[str, object]:
    found: dict[str, object] = {"channel": str(treatment.channel)}
    if treatment.probability != 1:
        found["probability"] = Bare(treatment.probability)
    if treatment.controls:
        found["controls"] = list(treatment.controls)
    return found


def _case(case: TestCase) -> dict[str, object]:
    facts = {name: _plain(value) for name, value in case.facts.items()}
    return {"must_match" if case.must_match else "must_not_match": case.name, "facts": facts}


def _plain(value: object) -> object:
    """Return the value as YAML writes it best: texts as texts, all else bare."""
    match value:
        case None | str() | bool():
            return value
        case Decimal():
            return Bare(constant_text(value))
        case _:
            return Bare(value)
