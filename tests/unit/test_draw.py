"""The keyed draw: fair, steady, and not to be steered by lodging again."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.core.errors import NotKnownError
from tidewaiter.engines.selection.draw import (
    Draw,
    Lodged,
    RecordedDraw,
    Recording,
    band,
    identities,
    identity,
    profile_purpose,
)

KEY = b"a key of the day, thirty-two byte"


def test_an_auditor_can_compute_the_draw_with_hmac_alone() -> None:
    digest = hmac.new(KEY, b"random\x00BILL-7", hashlib.sha256).digest()
    expected = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    assert Draw(KEY, "BILL-7").fraction("random") == expected


def test_purposes_are_drawn_apart() -> None:
    draw = Draw(KEY, "BILL-7")
    assert draw.fraction("random") != draw.fraction(profile_purpose("P-1"))


def test_the_document_comes_before_the_containers_and_these_before_the_declaration() -> None:
    assert identity("D1", "BILL", ["C2", "C1"]) == "BILL"
    assert identity("D1", None, ["C2", "C1"]) == "C1,C2"
    assert identity("D1", None, []) == "D1"


def test_lodging_the_same_goods_again_does_not_draw_again() -> None:
    lodged = [
        Lodged("D1", "BILL-1", frozenset({"C1"})),
        Lodged("D2", "BILL-2", frozenset({"C1"})),
        Lodged("D3", "BILL-2", frozenset()),
        Lodged("D4", None, frozenset()),
    ]
    assert identities(lodged) == {"D1": "BILL-1", "D2": "BILL-1", "D3": "BILL-1", "D4": "D4"}


def test_the_share_drawn_is_the_share_asked_for() -> None:
    drawn = sum(Draw(KEY, f"D{n}").fraction("random") < 0.02 for n in range(50_000))
    # 1,000 expected; the standard deviation is 31.3: five of them leave a false alarm of less than one in a million
    assert 844 <= drawn <= 1156


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_fraction_is_at_least_0_and_below_1(purpose: str, name: str) -> None:
    assert 0 <= Draw(KEY, name).fraction(purpose) < 1


def test_bands_lie_one_after_another_and_leave_the_rest_untouched() -> None:
    widths = {"red": 0.5, "yellow": 0.3}
    assert [band(u, widths) for u in (0.0, 0.49, 0.5, 0.79, 0.8, 0.99)] == [
        "red",
        "red",
        "yellow",
        "yellow",
        None,
        None,
    ]


def test_shares_that_add_up_to_1_leave_no_gap_at_the_top() -> None:
    assert band(1 - 2**-53, {"red": 0.7, "orange": 0.2, "yellow": 0.1}) == "yellow"


def test_recorded_fractions_replay_a_draw_and_refuse_what_was_not_drawn() -> None:
    recording = Recording(Draw(KEY, "BILL-7"))
    drawn = recording.fraction("random")
    recorded = RecordedDraw(recording.identity, recording.fractions)
    assert recorded.fraction("random") == drawn
    with pytest.raises(NotKnownError, match="nothing was drawn for 'profile:P-1' when 'BILL-7' was decided"):
        recorded.fraction(profile_purpose("P-1"))


def test_a_key_is_never_shown_with_its_draw() -> None:
    assert "key" not in repr(Draw(KEY, "BILL-7"))
