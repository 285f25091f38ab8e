"""Decide a file of declarations: read, look the facts up, route; nothing is written to the lake."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from tidewaiter.core.decision import Decision
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.mapping import FileMapping
from tidewaiter.core.policy import Policy
from tidewaiter.core.profile import ProfileSet
from tidewaiter.core.progress import Progress
from tidewaiter.engines.selection.deciding import InForce, decide_all, facts_needed, in_force, lists_without_entries
from tidewaiter.engines.selection.draw import Lodged, identities, key_digest
from tidewaiter.language.packs import only_profiles_in, with_neighbours
from tidewaiter.language.policy import read_policy
from tidewaiter.language.profiles import check, read_profiles
from tidewaiter.language.set_digest import set_digest
from tidewaiter.storage.lake.facts.table import facts_of_rows, statistics_day
from tidewaiter.storage.lake.ingest.reading import ReadDeclarations, Reject, read_declarations
from tidewaiter.storage.lake.lake import Lake

REJECTED = "one of its rows was rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The decisions about one file, with all that they rest on.

    `read`, `accepted` and `rejected` count input rows; of several versions of a declaration the latest is decided.
    `undecided` says for each declaration with a rejected row why it has no decision (it is never green);
    `statistics_day` is the last day history counts; `left_out` says for each profile that selects nothing why, and
    `empty_lists` names the lists asked that have no entry in force. `set_digest` names the profiles, lists and policy
    in force, `catalogue` the version of the fact catalogue, `key_digest` the key.
    """

    on: date
    statistics_day: date
    mapping: str
    read: int
    accepted: int
    rejected: int
    rejects_file: Path | None
    decisions: tuple[Decision, ...]
    undecided: Mapping[str, str]
    left_out: Mapping[str, str]
    empty_lists: tuple[str, ...]
    set_digest: str
    policy: Policy
    catalogue: str
    key_digest: str


def decide_file(
    file: Path,
    *,
    mapping: FileMapping | None,
    profile_paths: Sequence[Path],
    policy_file: Path,
    lake: Lake,
    catalogue: Catalogue,
    on: date,
    key: bytes,
    rejects_file: Path,
    progress: Progress,
) -> Decided:
    """Return the decision about every declaration of the file on that day.

    Raises InputError with every problem of the file, the profiles or the policy: an active profile with a blank
    required part or a failing test case decides nothing.
    """
    profile_set = _sound(profile_paths, catalogue)
    policy = read_policy(policy_file, catalogue, indicators=profile_set.indicators, lists=profile_set.lists)
    force = in_force(profile_set, policy, catalogue, on)
    snapshot = lake.snapshot()
    until = statistics_day(snapshot, on)
    given = read_declarations(file, mapping, snapshot=snapshot, progress=progress)
    if given.rejects:
        _write_rejects(rejects_file, given.rejects)
    progress("facts", 0, given.rows.num_rows)
    rows = _to_decide(given)
    facts = facts_of_rows(snapshot, catalogue, rows, on, until, only=facts_needed(force))
    progress("deciding", 0, rows.num_rows)
    decisions = decide_all(facts, force, identities=_identities(given.rows), key=key)
    return Decided(
        on=on,
        statistics_day=until,
        mapping=given.mapping,
        read=given.read,
        accepted=given.accepted,
        rejected=given.rejected,
        rejects_file=rejects_file if given.rejects else None,
        decisions=tuple(decisions),
        undecided=dict.fromkeys(given.undecided, REJECTED),
        left_out=force.left_out,
        empty_lists=lists_without_entries(profile_set, policy, on),
        set_digest=_digest(force),
        policy=policy,
        catalogue=catalogue.version,
        key_digest=key_digest(key),
    )


def _sound(paths: Sequence[Path], catalogue: Catalogue) -> ProfileSet:
    """Return the profiles of the files, refusing any that may not be in force."""
    pack = with_neighbours(paths)
    profile_set = only_profiles_in(read_profiles(pack, catalogue), paths)
    problems = [problem for problem in check(pack, catalogue) if not problem.warning]
    if problems:
        raise InputError(problems)
    return profile_set


def _digest(force: InForce) -> str:
    selectivity = force.selectivity
    return set_digest(selectivity.profiles, force.conditions, force.mandatory, selectivity.policy)


def _write_rejects(file: Path, rejects: Iterable[Reject]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("line", "column", "value", "reason"))
        writer.writerows((reject.line, reject.column, reject.value, reject.reason) for reject in rejects)


def _to_decide(given: ReadDeclarations) -> pa.Table:
    """Return the rows of each declaration's latest version, without the declarations that have a rejected row."""
    numbers, versions = (given.rows.column(name).to_pylist() for name in ("declaration_id", "version"))
    keys = list(zip(numbers, versions, strict=True))
    latest: dict[str, int] = {}
    for number, version in keys:
        latest[number] = max(version, latest.get(number, version))
    for number in given.undecided:
        latest.pop(number, None)
    return given.rows.filter(pa.array([latest.get(number) == version for number, version in keys], pa.bool_()))


def _identities(rows: pa.Table) -> dict[str, str]:
    """Return what each declaration is drawn by, in the order of lodging; an amendment keeps what was there before."""
    names = ("lodged_at", "declaration_id", "previous_document", "containers")
    documents: dict[str, str | None] = {}
    containers: dict[str, set[str]] = {}
    ordered = sorted(zip(*(rows.column(name).to_pylist() for name in names), strict=True), key=lambda row: row[:2])
    for _, declaration_id, document, numbers in ordered:
        documents[declaration_id] = documents.get(declaration_id) or document
        containers.setdefault(declaration_id, set()).update(numbers or ())
    return identities(
        Lodged(declaration_id, document, frozenset(containers[declaration_id]))
        for declaration_id, document in documents.items()
    )
