"""A folder of profile files taken into the records: profiles as drafts, lists and indicators as proposals.

All of it or nothing. What the records hold already, in the same words, is left alone; a draft of the same author is
written anew. Status, version, author and approver in a file do not count: the records keep their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from django.db import transaction

from tidewaiter.actions.acting import Actor, officer_of
from tidewaiter.actions.profiles.indicators import propose_indicators
from tidewaiter.actions.profiles.lists import write_list_text
from tidewaiter.actions.profiles.profiles import draft_profile, edit_profile
from tidewaiter.actions.profiles.proposals import IN_FORCE, PROPOSED, text_digest
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import ProfileSet, Status
from tidewaiter.language.documents import read_text
from tidewaiter.language.profiles import read_profiles
from tidewaiter.language.write import write_list
from tidewaiter.storage.records.models import ProfileVersion, Proposal


@dataclass(slots=True)
class Imported:
    """What became of the files, by the names records have: `FW-014@1`, `list watched@1`, `indicator value@1`."""

    drafted: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How files are taken in: why, on which day, by whom, under which classification (None: as the version before)."""

    reason: str
    rank: int | None
    catalogue: Catalogue
    on: date
    by: Actor
    at: datetime


def import_files(paths: Iterable[Path], terms: Terms) -> Imported:
    """Take in everything the files hold; a folder stands for the files below it.

    Raises InputError with every problem of every file, ConflictError where a version of a code by somebody else, or
    one that is no draft any more, waits for approval.
    """
    found = read_profiles(paths, terms.catalogue)
    texts = _proposed_texts(found)
    done = Imported()
    with transaction.atomic():
        for key, text in texts.items():
            kind, _, name = key.partition(" ")
            if _held(kind, name, text):
                done.unchanged.append(key)
            elif kind == "list":
                done.proposed.append(str(_propose_list(name, text, terms)))
            else:
                beside = {other: held for other, held in texts.items() if other != key}
                done.proposed.append(str(_propose_indicators(name, text, beside, terms)))
        for code, profile in sorted(found.profiles.items()):
            _take_profile(code, _text(profile.place.file), terms, done)
    return done


def _propose_list(name: str, text: str, terms: Terms) -> Proposal:
    return write_list_text(
        name=name,
        text=text,
        reason=terms.reason,
        catalogue=terms.catalogue,
        on=terms.on,
        by=terms.by,
        at=terms.at,
    )


def _propose_indicators(name: str, text: str, beside: dict[str, str], terms: Terms) -> Proposal:
    return propose_indicators(
        name=name,
        text=text,
        reason=terms.reason,
        catalogue=terms.catalogue,
        on=terms.on,
        beside=beside,
        by=terms.by,
        at=terms.at,
    )


def _take_profile(code: str, text: str, terms: Terms, done: Imported) -> None:
    latest = ProfileVersion.objects.filter(code=code).order_by("-number").first()
    if latest is not None and latest.digest == text_digest(text) and latest.status != Status.RETIRED:
        done.unchanged.append(str(latest))
    elif latest is not None and latest.status == Status.DRAFT and latest.author_id == officer_of(terms.by).pk:
        edit_profile(code=code, number=latest.number, text=text, catalogue=terms.catalogue, by=terms.by, at=terms.at)
        done.rewritten.append(str(latest))
    else:
        version = draft_profile(text=text, rank=terms.rank, catalogue=terms.catalogue, by=terms.by, at=terms.at)
        done.drafted.append(str(version))


def _proposed_texts(found: ProfileSet) -> dict[str, str]:
    """Return the texts of lists and indicators by kind and name, lists first; entries kept in CSV are written out."""
    lists = {f"list {name}": write_list(named) for name, named in sorted(found.lists.items())}
    files = sorted({indicator.place.file or "" for indicator in found.indicators.values()})
    return lists | {f"indicator {Path(file).stem[:64]}": _text(file) for file in files}


def _held(kind: str, name: str, text: str) -> bool:
    """Tell whether the text is in force or proposed already."""
    standing = Proposal.objects.filter(kind=kind, name=name, state__in=(PROPOSED, IN_FORCE))
    return standing.filter(digest=text_digest(text)).exists()


def _text(file: str | None) -> str:
    return read_text(Path(file or ""))
