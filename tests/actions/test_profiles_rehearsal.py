"""A draft back-tested beside the profiles in force; the summary is kept with its test."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.dossier import CATALOGUE, DAY, an_active_profile, dossier
from tests.office import NOON, an_officer
from tests.trade import FIRST, item, lake_of, result

from tidewaiter.actions.profiles.profiles import draft_profile, rehearse_profile
from tidewaiter.actions.profiles.rehearsal import rehearsal
from tidewaiter.core.errors import NotAllowedError, NotKnownError
from tidewaiter.core.progress import unheard
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.lake import Lake

pytestmark = pytest.mark.django_db


def a_lake(folder: Path) -> Lake:
    goods = [item(f"D{number}", number, hs_code="640399" if number < 4 else "010101") for number in range(8)]
    found = [result(f"A{number}", f"D{number}", number + 1, found=number == 0) for number in range(3)]
    return lake_of(folder / "lake", declarations=goods, results=found)


@pytest.mark.slow
def test_the_summary_of_a_back_test_is_kept_with_the_test(tmp_path: Path) -> None:
    an_active_profile(dossier("FW-0", condition="starts_with(hs_code, '6403') AND importer_code = 'I1'"))
    author = an_officer(Role.PROFILE_AUTHOR)
    draft_profile(text=dossier(), catalogue=CATALOGUE, by=author, at=NOON)
    summary = rehearsal(
        code="FW-1",
        number=1,
        lake=a_lake(tmp_path),
        catalogue=CATALOGUE,
        start=FIRST,
        end=FIRST + timedelta(days=30),
        progress=unheard,
        by=author,
        at=NOON,
    )
    step = rehearse_profile(code="FW-1", number=1, catalogue=CATALOGUE, on=DAY, backtest=summary, by=author, at=NOON)
    kept = step.report["backtest"]
    assert (kept["declarations"], kept["hit_rate"]["numerator"], kept["hit_rate"]["denominator"]) == (4, 1, 3)
    assert kept["marginal_in_force_declarations"] == 0


def test_only_its_writers_back_test_a_draft(tmp_path: Path) -> None:
    draft_profile(text=dossier(), catalogue=CATALOGUE, by=an_officer(Role.PROFILE_AUTHOR), at=NOON)
    with pytest.raises(NotAllowedError):
        rehearsal(
            code="FW-1",
            number=1,
            lake=a_lake(tmp_path),
            catalogue=CATALOGUE,
            start=FIRST,
            end=FIRST,
            progress=unheard,
            by=an_officer(Role.PROFILE_AUTHOR),
            at=NOON,
        )


def test_a_period_without_declarations_tells_so(tmp_path: Path) -> None:
    author = an_officer(Role.PROFILE_AUTHOR)
    draft_profile(text=dossier(), catalogue=CATALOGUE, by=author, at=NOON)
    with pytest.raises(NotKnownError):
        rehearsal(
            code="FW-1",
            number=1,
            lake=a_lake(tmp_path),
            catalogue=CATALOGUE,
            start=FIRST + timedelta(days=300),
            end=FIRST + timedelta(days=301),
            progress=unheard,
            by=author,
            at=NOON,
        )
