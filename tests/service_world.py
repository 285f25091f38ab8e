"""A small service for tests: a lake with a little history, a published set, and declarations to be decided."""

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from tests.office import an_officer
from tests.trade import item, lake_of

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.deciding import Lodged
from tidewaiter.actions.decisions.readying import made_standing
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.profiles.publishing import latest_publication, republish, set_content
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.role import Role
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import ProfileVersion

CATALOGUE: Catalogue = load_catalogue()
ON = date(2024, 3, 4)
"""The day of the tests' decisions: a Monday."""

NOW = datetime(2024, 3, 4, 9, tzinfo=UTC)


class OneKey:
    """Keys of days made of one secret."""

    def __init__(self, secret: bytes = b"tests") -> None:
        self.secret = secret

    def day_key(self, day: date) -> bytes:
        return hashlib.sha256(self.secret + day.isoformat().encode()).digest()


KEYS = OneKey()


def history(folder: Path, **more: list[dict[str, Any]]) -> Lake:
    """Return a lake in which importer I1 has traded for three weeks; without more it is a copy of one written once."""
    if more:
        return _traded(folder, **more)
    shutil.copytree(_written_once(), folder)
    return Lake.open(folder)


def _traded(folder: Path, **more: list[dict[str, Any]]) -> Lake:
    return lake_of(folder, declarations=[item(f"H{n}", n) for n in range(20)], **more)


@cache
def _written_once() -> Path:
    kept = tempfile.TemporaryDirectory(prefix="tidewaiter-history-")
    atexit.register(kept.cleanup)
    return _traded(Path(kept.name) / "lake").folder


def profile_text(code: str, condition: str, *, channel: str = "red", probability: float = 1.0, **more: str) -> str:
    """Return the text of a profile with its condition and treatment; other parts as needed by no test."""
    lines = [f"code: {code}", f"condition: {condition!r}" if "'" not in condition else f'condition: "{condition}"']
    lines += ["treatments:", f"  - channel: {channel}", f"    probability: {probability}"]
    lines += [f"{name}: {value}" for name, value in more.items()]
    return "\n".join(lines) + "\n"


def a_profile(code: str, condition: str, *, status: str = "active", number: int = 1, **more: Any) -> ProfileVersion:
    """Put a profile in the records as it stands after its approval."""
    text = profile_text(code, condition, **more)
    author = an_officer(Role.PROFILE_AUTHOR)
    return ProfileVersion.objects.create(
        code=code,
        number=number,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        status=status,
        author=author,
        changed_at=NOW,
    )


def published(lake: Lake, on: date = ON) -> Standing:
    """Publish what the records hold, and return what decides by it."""
    republish(cause="test", by=SERVICE, at=NOW)
    publication = latest_publication()
    assert publication is not None
    return made_standing(lake, CATALOGUE, set_content(publication.set_id, CATALOGUE), on)


def lodged(number: str, version: int | None = None, *, items: int = 1, **fields: Any) -> Lodged:
    """Return a declaration of some items, lodged on the day of the tests."""
    base: dict[str, Any] = {
        "declaration_id": number,
        "lodged_at": NOW - timedelta(minutes=5),
        "flow": "import",
        "office": "MAIN",
        "importer_code": "I1",
        "hs_code": "640399",
        "origin": "VN",
        "net_mass": Decimal("10.000"),
        "customs_value": Decimal("100.000"),
    } | fields
    rows: list[Mapping[str, object]] = [{**base, "item_number": place + 1} for place in range(items)]
    return Lodged(number, version, tuple(rows))
