"""Reads profile files, or their texts, into one set, and checks them: every problem of every file at once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tidewaiter.core.condition import Always, Condition, InList, Use, linked, walk
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import Indicator, NamedList, Profile, ProfileSet, Status
from tidewaiter.language.cases import failed_cases, failed_indicator_cases
from tidewaiter.language.documents import Scalar
from tidewaiter.language.linking import linked_indicators, too_large
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.profile_files import Written, WrittenIndicator, WrittenProfile, written_in, written_in_text
from tidewaiter.language.surprises import surprises

_REQUIRED = (
    "title", "risk_area", "register_entry", "description", "assessment", "level", "rationale", "treatments",
    "instruction", "result_codes", "valid_from", "valid_to", "review_on", "forecast_matches_per_day",
    "forecast_hours_per_day", "owner", "contact", "author", "approver", "legal_basis", "handling", "sources",
)  # fmt: skip
_IN_FORCE = (Status.APPROVED, Status.SHADOW, Status.ACTIVE)


def read_profiles(paths: Iterable[Path | str], catalogue: Catalogue) -> ProfileSet:
    """Return everything the files hold; a folder stands for every .yaml and .yml file below it.

    Raises InputError with every problem of every file.
    """
    return _whole(_read_files(paths, catalogue))


def read_profile_texts(texts: Mapping[str, str], catalogue: Catalogue) -> ProfileSet:
    """Return everything the texts (YAML by name) hold; problems are placed by the name of their text.

    A list has its entries in the text: there is no folder in which a CSV file could stand beside it. Raises InputError
    with every problem of every text.
    """
    return _whole(_read_texts(texts, catalogue))


def check(paths: Iterable[Path | str], catalogue: Catalogue, *, on: date | None = None) -> list[Problem]:
    """Return every problem and warning of every file, in the order of their places; empty when all is well.

    Test cases are run; lists are read on each case's `lodged_on`, else on `on`, else whatever their validity.
    """
    return _checked(_read_files(paths, catalogue), on)


def check_texts(texts: Mapping[str, str], catalogue: Catalogue, *, on: date | None = None) -> list[Problem]:
    """Return every problem and warning of every text (YAML by name), as `check` does for files."""
    return _checked(_read_texts(texts, catalogue), on)


def _checked(reading: "_Reading", on: date | None) -> list[Problem]:
    catalogue, profile_set = reading.catalogue, reading.profile_set()
    indicators = {name: indicator.condition for name, indicator in profile_set.indicators.items()}
    found = list(reading.problems)
    for indicator in profile_set.indicators.values():
        if indicator.name not in reading.unreadable_indicators:
            found += failed_indicator_cases(indicator, profile_set.lists, catalogue, on)
    for profile in profile_set.profiles.values():
        if profile.code not in reading.unreadable:
            found += failed_cases(profile, indicators, profile_set.lists, catalogue, on)
        found += _record_problems(profile)
    found += reading.surprises()
    found += reading.unused_lists()
    return _in_order(found)


@dataclass(frozen=True, slots=True)
class CheckedProfile:
    """One profile read among what it uses: None where the text holds none, with every problem and warning of it."""

    profile: Profile | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that are no warnings."""
        return tuple(problem for problem in self.problems if not problem.warning)


def check_profile_text(
    text: str, name: str, catalogue: Catalogue, *, used: Mapping[str, str], on: date | None = None
) -> CheckedProfile:
    """Return the one profile of a text with all that is wrong with it, test cases run; what it uses is taken as sound.

    `used` are the texts of indicators and lists by name. Blank parts and the life cycle are not looked at: where a
    record keeps status, author and approver, what the text says of them does not count.
    """
    reading = _read_texts({**used, name: text}, catalogue)
    own = [profile for profile in reading.profiles.values() if profile.place.file == name]
    found = [*reading.problems, *reading.surprises()]
    indicators = {indicator.name: indicator.condition for indicator in reading.indicators.values()}
    for profile in own:
        if profile.code not in reading.unreadable:
            found += failed_cases(profile, indicators, reading.lists, catalogue, on)
    found = [problem for problem in found if problem.place.file == name]
    if not own and not found:
        found = [Problem("holds no profile", Place(name), "a profile has 'code:' and 'condition:'")]
    return CheckedProfile(own[0] if own else None, tuple(_in_order(found)))


def missing_parts(profile: Profile) -> list[str]:
    """Return the required parts of the record that are blank; activation is refused while there are any."""
    blank = [part for part in _REQUIRED if getattr(profile, part) in ("", (), None)]
    outcomes = {case.must_match for case in profile.test_cases}
    must_match = [] if True in outcomes else ["test_cases (must_match)"]
    must_not = [] if False in outcomes else ["test_cases (must_not_match)"]
    return blank + must_match + must_not


def _record_problems(profile: Profile) -> list[Problem]:
    found: list[Problem] = []
    missing = missing_parts(profile)
    if profile.status in _IN_FORCE and missing:
        message = f"profile '{profile.code}' is {profile.status} and lacks {', '.join(missing)}"
        found.append(Problem(message, profile.place, "write them, or set the status back to draft"))
    if profile.author and profile.author == profile.approver:
        message = f"profile '{profile.code}' is approved by its author"
        found.append(Problem(message, profile.place, "another person approves"))
    if profile.review_on and profile.valid_to and profile.review_on > profile.valid_to:
        message = f"profile '{profile.code}' is reviewed after its validity ends"
        found.append(Problem(message, profile.place, "the interim review comes before the end", warning=True))
    return found


def _read_files(paths: Iterable[Path | str], catalogue: Catalogue) -> "_Reading":
    problems: list[Problem] = []
    files = _files([Path(path) for path in paths], problems)
    written = [found for file in files for found in written_in(file, catalogue, problems)]
    return _Reading(catalogue, written, problems)


def _read_texts(texts: Mapping[str, str], catalogue: Catalogue) -> "_Reading":
    problems: list[Problem] = []
    written = [found for name, text in texts.items() for found in written_in_text(text, name, catalogue, problems)]
    return _Reading(catalogue, written, problems)


def _whole(reading: "_Reading") -> ProfileSet:
    if reading.problems:
        raise InputError(_in_order(reading.problems))
    return reading.profile_set()


def _files(paths: list[Path], problems: list[Problem]) -> list[Path]:
    """Return the files to be read, each once however it was named."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("[!.]*") if file.suffix in (".yaml", ".yml") and file.is_file())
            if not found:
                problems.append(Problem("holds no profile files", Place(str(path)), "name a folder with .yaml files"))
            files += found
        else:
            files.append(path)
    return list({file.resolve(): file for file in reversed(files)}.values())[::-1]


class _Reading:
    """One reading of some files: what they hold, and every problem."""

    def __init__(self, catalogue: Catalogue, written: Collection[Written], problems: list[Problem]) -> None:
        self.catalogue = catalogue
        self.problems = problems
        self.unreadable: set[str] = set()
        self.unreadable_indicators: set[str] = set()
        self.lists = self._unique("list", [found for found in written if isinstance(found, NamedList)])
        self._indicator_texts = [found for found in written if isinstance(found, WrittenIndicator)]
        self._profile_texts = [found for found in written if isinstance(found, WrittenProfile)]
        self._names = frozenset(found.indicator.name for found in self._indicator_texts)
        self.indicators = self._read_indicators()
        self.profiles = self._read_profiles()
        self._own = dict(self.indicators)
        self._link()
        self._spread_unreadable()

    def _unique[T: (NamedList, Indicator, Profile)](self, kind: str, found: Iterable[T]) -> dict[str, T]:
        by_name: dict[str, T] = {}
        for one in found:
            name = one.code if isinstance(one, Profile) else one.name
            if name in by_name:
                other = by_name[name].place
                self.problems.append(Problem(f"{kind} '{name}' stands twice", one.place, f"the other is at {other}"))
            else:
                by_name[name] = one
        return by_name

    def _condition(self, node: Scalar | None) -> Condition | None:
        if node is None:
            return None
        try:
            return parse_condition(
                node.text, self.catalogue, indicators=self._names, lists=self.lists, place=node.place_of
            )
        except InputError as error:
            self.problems += error.problems
            return None

    def _read_indicators(self) -> dict[str, Indicator]:
        read: list[Indicator] = []
        for found in self._indicator_texts:
            condition = self._condition(found.condition)
            if condition is None:
                self.unreadable_indicators.add(found.indicator.name)
            indicator = replace(found.indicator, condition=condition or Always(False))
            if indicator.name in self.catalogue:
                message = f"indicator '{indicator.name}' has the name of a fact"
                self.problems.append(Problem(message, indicator.place, "choose another name"))
            read.append(indicator)
        return self._unique("indicator", read)

    def _read_profiles(self) -> dict[str, Profile]:
        read: list[Profile] = []
        for found in self._profile_texts:
            before = len(self.problems)
            condition = self._condition(found.condition) or Always(False)
            read.append(replace(found.profile, condition=condition, exceptions=self._condition(found.exceptions)))
            if len(self.problems) > before or found.condition is None:
                self.unreadable.add(found.profile.code)
        return self._unique("profile", read)

    def _link(self) -> None:
        self.indicators, problems = linked_indicators(self._own)
        self.problems += problems
        conditions = {name: indicator.condition for name, indicator in self.indicators.items()}
        for profile in self.profiles.values():
            for condition in (profile.condition, profile.exceptions):
                problem = too_large(linked(condition, conditions), profile.place) if condition is not None else None
                if problem is not None:
                    self.problems.append(problem)
                    self.unreadable.add(profile.code)

    def _spread_unreadable(self) -> None:
        """Count what uses an unreadable indicator as unreadable: its test cases would fail for no fault of its own."""
        broken = self.unreadable_indicators
        while found := {name for name, one in self._own.items() if _uses(one.condition, broken)} - broken:
            broken |= found
        self.unreadable |= {
            code
            for code, one in self.profiles.items()
            if _uses(one.condition, broken) or (one.exceptions is not None and _uses(one.exceptions, broken))
        }

    def profile_set(self) -> ProfileSet:
        return ProfileSet(self.profiles, self.indicators, self.lists)

    def surprises(self) -> list[Problem]:
        """Return a warning wherever a missing fact makes a NOT or <> unknown and nothing provides for it."""
        conditions = {name: indicator.condition for name, indicator in self.indicators.items()}
        found: list[Problem] = []
        for written in self._indicator_texts:
            own = self._own[written.indicator.name].condition
            found += surprises(own, conditions, _place(written.condition))
        for text in self._profile_texts:
            own = self.profiles[text.profile.code].condition
            found += surprises(own, conditions, _place(text.condition))
        return found

    def unused_lists(self) -> list[Problem]:
        """Return a warning for each list that no condition uses."""
        conditions = [indicator.condition for indicator in self._own.values()]
        for profile in self.profiles.values():
            conditions += [condition for condition in (profile.condition, profile.exceptions) if condition is not None]
        used = {node.list_name for condition in conditions for node in walk(condition) if isinstance(node, InList)}
        unused = [named for name, named in self.lists.items() if name not in used]
        return [
            Problem(f"list '{named.name}' is used by no condition", named.place, "use it with in_list", warning=True)
            for named in unused
        ]


def _uses(condition: Condition, names: Collection[str]) -> bool:
    return any(isinstance(node, Use) and node.name in names for node in walk(condition))


def _place(node: Scalar | None) -> Place:
    return Place() if node is None else node.place_of(0)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    def key(problem: Problem) -> tuple[str, int, int, str]:
        place = problem.place
        return (place.file or "", place.line or 0, place.column or 0, problem.message)

    return sorted(dict.fromkeys(problems), key=key)
