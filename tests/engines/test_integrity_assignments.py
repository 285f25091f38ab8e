import pytest

from tidewaiter.engines.integrity.assignments import Assignment, off_draw


def assigned(number: int, drawn: str, standing: str | None = None, **fields: object) -> Assignment:
    given: dict[str, object] = {"office": "PORT", "declarant": f"B{number % 10}"} | fields
    return Assignment(declaration_id=f"D{number}", drawn=drawn, standing=standing or drawn, **given)  # type: ignore[arg-type]


def kept(count: int, start: int = 1000) -> list[Assignment]:
    return [assigned(start + n, f"O{n % 5}") for n in range(count)]


def test_an_examiner_other_than_the_drawn_one_is_a_fact_with_its_declaration() -> None:
    (found,) = off_draw([assigned(1, "O1", "O2"), *kept(9)]).findings
    assert (found.office, found.evidence, found.p) == ("PORT", ("D1",), None)
    assert (found.figures[0].rate.numerator, found.figures[0].rate.denominator) == (1, 10)


def test_a_recorded_reason_explains_it_and_a_blank_one_does_not() -> None:
    (found,) = off_draw([assigned(1, "O1", "O2", reason="ill"), assigned(2, "O1", "O2", reason=" ")]).findings
    assert found.evidence == ("D2",)
    assert "1 with one" in found.sentence


def test_a_kept_draw_gives_no_finding() -> None:
    assert off_draw(kept(50)).findings == ()


def test_what_gathers_on_one_officer_or_declarant_is_found_after_the_fact() -> None:
    taken = [assigned(n, "O1", "O9", declarant="B77") for n in range(15)]
    scattered = [assigned(2000 + n, f"O{n % 5}", f"O{(n + 1) % 5}") for n in range(10)]
    fact, *gathered = off_draw([*taken, *scattered, *kept(300)]).findings
    assert len(fact.evidence) == 25
    assert {(one.officer, one.party) for one in gathered} == {("O9", None), (None, "B77")}
    for one in gathered:
        own, rest = one.figures
        assert (own.rate.numerator, own.rate.denominator) == (15, 15)
        assert own.expected == pytest.approx(15 * 25 / 325)
        assert (rest.rate.numerator, rest.rate.denominator) == (10, 310)


def test_scattered_swaps_are_listed_and_accuse_nobody() -> None:
    scattered = [assigned(n, f"O{n % 5}", f"O{(n + 1) % 5}") for n in range(60)]
    screening = off_draw([*scattered, *kept(400)])
    assert [one.officer or one.party for one in screening.findings] == [None]


def test_few_assignments_are_not_compared() -> None:
    screening = off_draw([assigned(n, "O1", "O2", declarant="B1") for n in range(9)])
    assert (screening.tested, screening.too_small) == (0, 2)


def test_declarations_of_one_draw_are_swapped_once() -> None:
    (fact,) = off_draw([assigned(n, "O1", "O2", declarant="B1", identity="BILL") for n in range(30)]).findings
    assert fact.figures[0].rate.denominator == 1
