"""Attachments: checked by content and size when they come in, hashed then, checked again whenever they are read.

A document marked legally privileged is sealed unread: kept by its digest, its content looked at by nothing here, given
out to nobody.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tidewaiter.actions.acting import Actor, action, may, officer_of, record, require
from tidewaiter.actions.examinations.subjects import require_seen
from tidewaiter.actions.packing import to_json
from tidewaiter.core.errors import InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.file_kind import FILE_KINDS, kind_of
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.records.models import Attachment

LARGEST_BYTES: Final = 25 * 1024 * 1024
SEALED: Final = "application/octet-stream"
"""The media type a sealed document is kept under: nobody looked."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as it is given out, after its content was checked against its digest."""

    attachment: Attachment
    content: bytes


@action("attachment.add")
def add_attachment(
    *,
    about: str,
    name: str,
    kind: str,
    content: bytes,
    privileged: bool = False,
    store: Attachments,
    largest: int = LARGEST_BYTES,
    by: Actor,
    at: datetime,
) -> Attachment:
    """Keep a file with a record; the same content again with the same record gives the attachment that is there.

    `kind` is the media type its sender states and must be what the content shows. Privilege goes with the content: it
    seals whatever was attached with the same bytes, which takes the right to `attachment.seal`: nobody hides what was
    there to be read. Raises InputError with every problem, NotKnownError for a record the officer may not see,
    NotAllowedError for who may not seal.
    """
    officer = officer_of(by)
    require_seen(about, officer, "attachment.add")
    problems = _problems(name, kind, content, privileged=privileged, largest=largest)
    if problems:
        raise InputError(problems)
    digest = store.keep(content)
    same = Attachment.objects.filter(digest=digest)
    if privileged:
        _seal(same.filter(privileged=False), by)
    privileged = privileged or same.filter(privileged=True).exists()
    attachment, _ = Attachment.objects.get_or_create(
        digest=digest,
        record=about,
        defaults={
            "name": name.strip(),
            "kind": SEALED if privileged else kind,
            "size": len(content),
            "privileged": privileged,
            "by": officer,
            "at": at,
        },
    )
    record(f"attachment:{attachment.pk}", attachment_content(attachment))
    return attachment


def _seal(found: Iterable[Attachment], by: Actor) -> None:
    for one in found:
        if not may("attachment.seal", by):
            raise NotAllowedError("this file is kept already: another officer says whether it is under legal privilege")
        one.privileged = True
        one.save(update_fields=["privileged"])
        record(f"attachment:{one.pk}", attachment_content(one), action="attachment.seal")


def attachment_content(one: Attachment) -> bytes:
    """Return what the audit chain holds of a file: its digest, what it is kept with, and whether it is sealed."""
    parts = [one.digest, one.record, one.name, one.kind, one.size, one.privileged, one.by_id]
    return to_json(parts).encode("utf-8", "surrogatepass")


def _problems(name: str, kind: str, content: bytes, *, privileged: bool, largest: int) -> list[Problem]:
    problems = []
    if not name.strip() or len(name) > 200 or re.search(r"[\x00-\x1f\x7f/\\]", name):
        problems.append(Problem("is the file's own name: 1 to 200 characters, no path", Place("name")))
    if not 0 < len(content) <= largest:
        problems.append(Problem(f"has {len(content):,} bytes; 1 to {largest:,} are taken", Place("content")))
    elif not privileged:
        problems += _kind_problems(kind, content)
    return problems


def _kind_problems(kind: str, content: bytes) -> list[Problem]:
    if kind not in FILE_KINDS:
        return [Problem(f"is none of {', '.join(FILE_KINDS)}", Place("kind"))]
    shown = kind_of(content)
    if shown == kind:
        return []
    return [Problem(f"the content is {shown or 'of no kind that is taken'}, not {kind}", Place("kind"))]


@action("attachment.read")
def open_attachment(*, attachment: int, store: Attachments, by: Actor, at: datetime) -> Opened:
    """Return a file; the reading is recorded.

    Raises NotKnownError for a file of a record the officer may not see, NotAllowedError for a sealed one, whoever
    asks, ConflictError where its content is no longer what was captured.
    """
    found = Attachment.objects.filter(pk=attachment).first()
    if found is None:
        raise NotKnownError(f"no attachment {attachment} is known")
    require_seen(found.record, officer_of(by), "attachment.read")
    if found.privileged:
        raise NotAllowedError(f"attachment {attachment} is under legal privilege: it is sealed and read by nobody here")
    content = store.read(found.digest)
    record(f"attachment:{attachment}", found.digest.encode())
    return Opened(found, content)


def attachments_of(*, about: str, by: Actor, at: datetime) -> list[Attachment]:
    """Return what is attached to a record, the first first; sealed documents are listed, not shown."""
    require("attachment.read", by, at)
    require_seen(about, officer_of(by), "attachment.read")
    return list(Attachment.objects.select_related("by").filter(record=about).order_by("pk"))
