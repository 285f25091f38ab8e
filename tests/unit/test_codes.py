import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.core.codes import (
    COUNTRIES,
    CURRENCIES,
    container_check_digit,
    is_container,
    is_hs_code,
    is_hs_edition,
    is_location,
)


@pytest.mark.parametrize("number", ["CSQU3054383", "MSCU6639870", "TOLU4734787"])
def test_a_container_number_with_the_right_check_digit_is_one(number: str) -> None:
    assert is_container(number)


@given(st.from_regex(r"[A-Z]{3}[UJZ][0-9]{6}", fullmatch=True), st.integers(0, 9))
def test_exactly_one_last_digit_makes_a_container_number(head: str, digit: int) -> None:
    assert is_container(f"{head}{digit}") == (digit == container_check_digit(head))


@pytest.mark.parametrize("number", ["", "CSQU305438", "CSQA3054383", "csqu3054383", "CSQU305438３"])
def test_what_is_not_built_so_is_no_container_number(number: str) -> None:
    assert not is_container(number)


def test_the_check_digit_needs_a_whole_number() -> None:
    with pytest.raises(ValueError, match="four letters"):
        container_check_digit("AB1")


@pytest.mark.parametrize("code", ["01", "0101", "640319", "64031900", "6403190000", "640319000012", "99"])
def test_a_commodity_code_is_two_four_or_six_to_twelve_digits(code: str) -> None:
    assert is_hs_code(code)


@pytest.mark.parametrize("code", ["", "1", "123", "12345", "770000", "000000", "6403.19", "6403190000123", "６４０３"])
def test_what_is_not_built_so_or_in_no_chapter_is_no_commodity_code(code: str) -> None:
    assert not is_hs_code(code)


def test_there_is_an_edition_of_the_harmonized_system_in_2022_and_none_in_2020() -> None:
    assert (is_hs_edition(2022), is_hs_edition(2020)) == (True, False)


def test_the_standards_have_their_known_sizes() -> None:
    assigned = {code for code in COUNTRIES if not "XA" <= code <= "XZ"}
    assert (len(assigned), {"KR", "NA", "SS"} <= assigned, {"KRW", "XDR", "SLE"} <= CURRENCIES) == (249, True, True)


@pytest.mark.parametrize(("code", "known"), [("KRPUS", True), ("NLRTM", True), ("ZZRTM", False), ("NLRT", False)])
def test_a_place_is_a_country_and_three_letters(code: str, known: bool) -> None:
    assert is_location(code) == known
