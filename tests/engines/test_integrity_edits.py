from datetime import UTC, date, datetime, timedelta

import pytest

from tidewaiter.core.channel import Channel
from tidewaiter.engines.integrity.edits import Filing, ListEdit, Thresholds, WorkingHours, quiet_edits
from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind
from tidewaiter.engines.integrity.overrides import Override, Selected
from tidewaiter.engines.integrity.screen import Work, screen

HOURS = WorkingHours(time_zone="UTC")
NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
NIGHT = NOON + timedelta(hours=12)


def edit(number: int = 1, at: datetime = NOON, **fields: object) -> ListEdit:
    given: dict[str, object] = {"lowers": True, "entries": ("T1",), "beneficiaries": ("T1",), "officer": "A1"}
    given["second_person"] = "A9"
    return ListEdit(edit_id=f"E{number}", list_code="WATCH", edited_at=at, **(given | fields))  # type: ignore[arg-type]


def quiet(edits: list[ListEdit], *filings: Filing) -> tuple[IntegrityFinding, ...]:
    return quiet_edits(edits, filings, hours=HOURS).findings


def filed(at: datetime, party: str = "T1") -> Filing:
    return Filing(party, f"DOC-{at:%d%H}", at)


def test_an_edit_by_night_just_before_the_beneficiary_files_is_quiet() -> None:
    (found,) = quiet([edit(at=NIGHT, second_person="A2")], filed(NIGHT + timedelta(hours=3)))
    assert found.evidence == ("E1", "DOC-0703")
    assert "outside working hours (Thursday 00:00)" in found.sentence
    assert "T1 filed 3.0 hours later (so of 1.1 % of all moments)" in found.sentence
    assert (found.officer, found.party) == ("A1", "T1")


def test_one_mark_alone_is_not_enough() -> None:
    assert quiet([edit(at=NIGHT)]) == ()
    assert quiet([edit()], filed(NOON + timedelta(hours=3))) == ()


def test_one_mark_is_enough_when_a_declaration_went_unselected_for_it() -> None:
    (found,) = quiet([edit(at=NIGHT, not_selected=("D7", "D8"), would_have_lost=("D1",))])
    assert found.evidence == ("E1", "D7", "D8")
    assert "2 declarations since not selected for it, and 1 past selection that" in found.sentence


def test_an_edit_that_one_person_made_is_quiet_when_a_declaration_may_have_gone_unselected_for_it() -> None:
    (found,) = quiet([edit(second_person=None, perhaps_not_selected=3)])
    assert "made by one person; 0 declarations since not selected for it (and perhaps 3 more)" in found.sentence
    assert quiet([edit(second_person=None)]) == ()


def test_an_edit_that_raises_selection_is_never_quiet() -> None:
    assert quiet([edit(at=NIGHT, lowers=False, not_selected=("D1",))], filed(NIGHT + timedelta(hours=1))) == ()


def test_a_party_that_files_every_day_says_nothing_by_filing() -> None:
    daily = [filed(NIGHT + timedelta(days=day, hours=1)) for day in range(-45, 45)]
    assert quiet([edit(at=NIGHT)], *daily) == ()


def test_an_entry_put_back_after_the_goods_have_passed_is_marked() -> None:
    back = edit(2, NOON + timedelta(days=2), lowers=False, officer="A3")
    (found,) = quiet([edit(), back], filed(NOON + timedelta(hours=20)))
    assert "put back 2 days later by A3" in found.sentence
    late = edit(2, NOON + timedelta(days=8), lowers=False)
    assert quiet([edit(), late], filed(NOON + timedelta(hours=20))) == ()


def test_an_entry_of_another_list_does_not_put_it_back() -> None:
    other = ListEdit(edit_id="E2", list_code="OTHER", officer="A1", edited_at=NOON, lowers=False, entries=("T1",))
    assert quiet([edit(), other], filed(NOON + timedelta(hours=1))) == ()


def test_many_entries_lowered_at_once_hide_one() -> None:
    many = [edit(n, NIGHT + timedelta(minutes=n), entries=(f"T{n}",), beneficiaries=(f"T{n}",)) for n in range(20)]
    assert len(quiet(many)) == 20
    assert quiet(many[:19]) == ()


def test_working_hours_follow_the_time_zone_and_the_holidays() -> None:
    hours = WorkingHours(time_zone="Asia/Seoul", holidays=frozenset({date(2026, 5, 5)}))
    assert hours.covers(datetime(2026, 5, 6, 0, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 5, 6, 12, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 5, 5, 0, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 5, 9, 3, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 5, 6, 10, tzinfo=UTC))


def test_an_officers_share_of_quiet_edits_stands_beside_that_of_the_others() -> None:
    others = [edit(n, officer="A2") for n in range(10, 14)]
    (found,) = quiet([edit(1, NIGHT, not_selected=("D1",)), edit(2), *others])
    (figure,) = found.figures
    assert (figure.rate.numerator, figure.rate.denominator, figure.expected) == (1, 2, 0.0)


def test_thresholds_are_the_administrations() -> None:
    wide = Thresholds(before_filing=timedelta(hours=72))
    pair = [edit(at=NIGHT)], [filed(NIGHT + timedelta(hours=60))]
    assert quiet_edits(*pair, hours=HOURS).findings == ()
    assert len(quiet_edits(*pair, hours=HOURS, thresholds=wide).findings) == 1


def test_one_report_holds_every_check_and_says_how_much_it_looked_at() -> None:
    selected = tuple(
        Selected(declaration_id=f"D{n}", office="PORT", selected_on=NOON.date(), declarant=f"B{n % 10}", officer="O1")
        for n in range(100)
    )
    overrides = tuple(
        Override(override_id=f"V{n}", declaration_id=f"D{n}", officer="O1", before=Channel.RED, after=Channel.GREEN)
        for n in range(0, 80, 10)
    )
    report = screen(Work(selected=selected, overrides=overrides, edits=(edit(),)), hours=HOURS)
    assert [one.kind for one in report.screenings] == list(Kind)
    by_kind = {one.kind: one for one in report.screenings}
    assert [found.party for found in by_kind[Kind.FAVOURED_PARTY].findings] == ["B0"]
    assert str(by_kind[Kind.QUIET_EDIT]) == "quiet list edit: 0 findings among 1 lowering edits looked at"
    assert "Benjamini-Hochberg at 0.05" in str(by_kind[Kind.FAVOURED_PARTY])
    assert report.success[0].overrides == 8


def test_a_figure_is_printed_with_its_counts_interval_and_expectation() -> None:
    (found,) = quiet([edit(1, NIGHT, not_selected=("D1",)), edit(2, officer="A2")])
    assert str(found.figures[0]).endswith("1 of 1 (100.0 %, 20.7-100.0), expected 0.0")
    assert pytest.approx(1.0) == found.figures[0].rate.value
