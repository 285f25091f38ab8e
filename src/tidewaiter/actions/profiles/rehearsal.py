"""A back-test of one profile version beside those in force, before its test: the summary is kept with the step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from tidewaiter.actions.acting import Actor, officer_of, require
from tidewaiter.actions.lake.backtest import back_test_set
from tidewaiter.actions.profiles.profiles import refuse_stranger, version_found
from tidewaiter.actions.profiles.proposals import texts_in_force
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import ProfileSet, Status
from tidewaiter.core.progress import Progress
from tidewaiter.engines.backtest.report_json import report_json
from tidewaiter.language.profiles import read_profile_texts
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import ProfileVersion

_KEPT = (
    "matches", "declarations", "declarations_per_day", "labelled", "labelled_share", "offences", "hit_rate",
    "hit_rate_kind", "caught", "missed", "marginal_in_force_declarations", "recovered", "officer_hours", "incumbent",
    "random_sample", "by_office",
)  # fmt: skip


def rehearsal(
    *,
    code: str,
    number: int,
    lake: Lake,
    catalogue: Catalogue,
    start: date,
    end: date,
    tuned_until: date | None = None,
    progress: Progress,
    by: Actor,
    at: datetime,
) -> dict[str, object]:
    """Return the summary of a back-test over the declarations lodged from start to end, both included.

    Reads only, and may take minutes: it is run before the action that keeps it. Raises InputError for problems of the
    text, NotKnownError when no declaration was lodged in the period.
    """
    require("profile.test", by, at)
    version = version_found(code, number)
    refuse_stranger(version, officer_of(by))
    profile_set = _beside_those_in_force(version, catalogue)
    done = back_test_set(
        profile_set, lake=lake, catalogue=catalogue, start=start, end=end, tuned_until=tuned_until, progress=progress
    )
    report = report_json(done.report)
    return {
        "tuned_until": report["tuned_until"],
        "state_of_the_lake": done.snapshot.id,
        "catalogue": catalogue.version,
        "lists_on": end.isoformat(),
        **_figures(report, code),
        "parts": [_figures(part, code) for part in _listed(report["parts"])],
    }


def _figures(report: Mapping[str, object], code: str) -> dict[str, object]:
    own = next(one for one in _listed(report["profiles"]) if one["code"] == code)
    return {"period": report["period"], **{name: own[name] for name in _KEPT}}


def _listed(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _beside_those_in_force(version: ProfileVersion, catalogue: Catalogue) -> ProfileSet:
    active = ProfileVersion.objects.filter(status=Status.ACTIVE.value).exclude(code=version.code)
    texts = texts_in_force("indicator", "list") | {f"profile {one}": one.text for one in active}
    found = read_profile_texts({**texts, str(version): version.text}, catalogue)
    if version.code not in found.profiles:
        raise InputError(f"{version} holds no profile {version.code}")
    statuses = {code: Status.DRAFT if code == version.code else Status.ACTIVE for code in found.profiles}
    profiles = {code: replace(profile, status=statuses[code]) for code, profile in found.profiles.items()}
    return ProfileSet(profiles, found.indicators, found.lists)
