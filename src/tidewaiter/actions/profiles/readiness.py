"""Whether a profile version may go on: its text read among what is in force, test cases run, blank parts named."""

from dataclasses import dataclass, replace
from datetime import date

from tidewaiter.actions.profiles.proposals import texts_used_by
from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import Profile
from tidewaiter.language.profiles import check_profile_text, missing_parts
from tidewaiter.storage.records.models import ProfileVersion


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found of one version: the profile (None: unreadable), errors, warnings, required parts left blank."""

    profile: Profile | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    blank: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Tell whether the text can be read and every test case holds."""
        return not self.errors

    @property
    def complete(self) -> bool:
        """Tell whether moreover no required part is blank."""
        return self.passed and not self.blank


def readiness(version: ProfileVersion, catalogue: Catalogue, on: date) -> Readiness:
    """Return what stands between a version and being in force on that day; author and approver are the record's."""
    return readiness_of_text(version.text, str(version), catalogue, on, author=version.author.name)


def readiness_of_text(text: str, name: str, catalogue: Catalogue, on: date, *, author: str) -> Readiness:
    """Return what is found of a text placed by that name."""
    checked = check_profile_text(text, name, catalogue, used=texts_used_by(text), on=on)
    warnings = tuple(problem for problem in checked.problems if problem.warning)
    profile = checked.profile
    if profile is None:
        return Readiness(None, checked.errors, warnings, ())
    recorded = replace(profile, author=profile.author or author, approver=profile.approver or "to be given")
    return Readiness(profile, checked.errors, warnings, tuple(missing_parts(recorded)))


def refuse_unready(version: ProfileVersion, found: Readiness, on: date) -> None:
    """Raise InputError with every error, failing test case and blank part at once, or where the validity is over."""
    problems = list(found.errors)
    if found.blank:
        advice = "write them in a draft; a version in force lacks none"
        problems.append(Problem(f"{version} lacks {', '.join(found.blank)}", suggestion=advice))
    if version.valid_to is not None and version.valid_to < on:
        problems.append(Problem(f"the validity of {version} ended on {version.valid_to}", suggestion="write a new one"))
    if version.review_on is not None and version.review_on < on:
        problems.append(Problem(f"{version} was to be reviewed on {version.review_on}", suggestion="review it first"))
    if problems:
        raise InputError(problems)
