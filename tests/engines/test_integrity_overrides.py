from datetime import date, timedelta
from math import comb

import numpy as np
import pytest

from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError
from tidewaiter.engines.integrity.favoured import favoured_parties
from tidewaiter.engines.integrity.lenient import lenient_officers
from tidewaiter.engines.integrity.overrides import Override, Selected, override_success

MAY = date(2026, 5, 4)


def selected(number: int, declarant: str = "B1", officer: str = "O1", **fields: object) -> Selected:
    given: dict[str, object] = {"office": "PORT", "selected_on": MAY, "officer": officer}
    return Selected(declaration_id=f"D{number}", declarant=declarant, **(given | fields))  # type: ignore[arg-type]


def lowered(number: int, officer: str = "O1", *, found: bool | None = None) -> Override:
    return Override(
        override_id=f"V{number}", declaration_id=f"D{number}", officer=officer,
        before=Channel.RED, after=Channel.GREEN, found=found,
    )  # fmt: skip


def raised(number: int, *, found: bool | None) -> Override:
    return Override(
        override_id=f"R{number}", declaration_id=f"D{number}", officer="O1",
        before=Channel.GREEN, after=Channel.RED, found=found,
    )  # fmt: skip


def test_overrides_of_one_party_alone_are_found_with_the_counts_on_both_sides() -> None:
    trade = [selected(n, f"B{n % 10}") for n in range(100)]
    screening = favoured_parties([lowered(n) for n in range(0, 80, 10)], trade)
    (found,) = screening.findings
    assert (found.officer, found.party, found.office) == ("O1", "B0", "PORT")
    assert found.evidence == tuple(f"V{n}" for n in range(0, 80, 10))
    theirs, others = found.figures
    assert (theirs.rate.numerator, theirs.rate.denominator) == (8, 10)
    assert theirs.expected == pytest.approx(0.8)
    assert (others.rate.numerator, others.rate.denominator) == (0, 90)
    assert found.p == pytest.approx(comb(10, 8) / comb(100, 8))
    assert "B0" in found.sentence


def test_an_importer_is_a_party_as_a_declarant_is() -> None:
    trade = [selected(n, f"B{n % 3}", importer=f"I{n % 10}") for n in range(120)]
    (found,) = favoured_parties([lowered(n) for n in range(0, 90, 10)], trade).findings
    assert found.party == "I0"


def test_a_month_in_which_only_one_party_was_there_tells_nothing() -> None:
    trade = [selected(n, "B1") for n in range(20)]
    trade += [selected(n, f"B{n % 20}", selected_on=MAY + timedelta(days=31)) for n in range(20, 420)]
    assert favoured_parties([lowered(n) for n in range(10)], trade).findings == ()


def test_a_consignment_split_in_ten_is_lowered_once() -> None:
    trade = [selected(n, "B1", identity="BILL-1") for n in range(10)] + [selected(n, f"B{n}") for n in range(10, 60)]
    screening = favoured_parties([lowered(n) for n in range(10)], trade)
    assert (screening.findings, screening.tested) == ((), 0)


def test_an_officer_who_seldom_overrides_is_not_tested() -> None:
    trade = [selected(n, f"B{n % 10}") for n in range(100)]
    screening = favoured_parties([lowered(n) for n in range(0, 40, 10)], trade)
    assert (screening.tested, screening.too_small) == (0, 10)


def test_raising_favours_nobody() -> None:
    trade = [selected(n, f"B{n % 10}") for n in range(100)]
    assert favoured_parties([raised(n, found=None) for n in range(0, 80, 10)], trade).tested == 0


def test_an_override_of_an_unknown_declaration_is_named() -> None:
    with pytest.raises(InputError, match=r"V7.*'D7' is not among the selected"):
        favoured_parties([lowered(7)], [selected(1)])


def peers(rates: dict[str, float], each: int = 200) -> tuple[list[Override], list[Selected]]:
    trade, changes = [], []
    for at, (officer, share) in enumerate(rates.items()):
        trade += [selected(at * each + n, officer=officer) for n in range(each)]
        changes += [lowered(at * each + n, officer) for n in range(round(share * each))]
    return changes, trade


def test_an_officer_far_above_the_peers_is_found() -> None:
    even = {f"O{n}": 0.04 for n in range(2, 10)}
    (found,) = lenient_officers(*peers({"O1": 0.2} | even)).findings
    assert (found.officer, found.office, len(found.evidence)) == ("O1", "PORT", 40)
    own, rest = found.figures
    assert (own.rate.numerator, own.rate.denominator) == (40, 200)
    assert own.expected == pytest.approx(104 / 9)
    assert (rest.rate.numerator, rest.rate.denominator) == (64, 1600)


def test_where_all_officers_differ_much_none_of_them_stands_out() -> None:
    uneven = {f"O{n}": share for n, share in enumerate((0.01, 0.02, 0.03, 0.05, 0.07, 0.09, 0.11, 0.14))}
    assert lenient_officers(*peers(uneven)).findings == ()


def test_an_officer_without_peers_is_not_tested() -> None:
    screening = lenient_officers(*peers({"O1": 0.5}))
    assert (screening.tested, screening.too_small) == (0, 1)


def test_overrides_are_borne_out_by_what_was_found_later() -> None:
    changes = [*(raised(n, found=n < 3) for n in range(4)), raised(9, found=None)]
    changes += [lowered(20, found=True), lowered(21, found=False), lowered(22)]
    everyone = {one.lowering: one for one in override_success(changes) if one.officer is None}
    up, down = everyone[False], everyone[True]
    assert up.borne_out is not None
    assert down.borne_out is not None
    assert (up.overrides, up.borne_out.numerator, up.borne_out.denominator) == (5, 3, 4)
    assert (down.overrides, down.borne_out.numerator, down.borne_out.denominator) == (3, 1, 2)


def test_what_was_never_looked_at_is_no_success() -> None:
    (everyone, officer) = override_success([lowered(1)])
    assert (everyone.officer, officer.officer) == (None, "O1")
    assert everyone.borne_out is None


def honest_overrides(seed: int, uneven: float) -> tuple[list[Override], list[Selected]]:
    """Return a period in which officers lower what they handle by their own judgement, whoever the party is."""
    rng = np.random.default_rng(seed)
    size = rng.pareto(1.2, 40) + 0.3
    declarant = rng.choice(40, 2000, p=size / size.sum())
    officer = rng.integers(8, size=2000)
    share = 0.06 * np.exp(rng.normal(0, uneven, 8))
    trade = [
        selected(n, f"B{declarant[n]}", f"O{officer[n]}", selected_on=MAY + timedelta(days=n * 90 // 2000))
        for n in range(2000)
    ]
    changes = [lowered(n, f"O{officer[n]}") for n in range(2000) if rng.random() < share[officer[n]]]
    return changes, trade


@pytest.mark.slow
@pytest.mark.parametrize("uneven", [0.0, 0.4])
def test_honest_judgement_seldom_gives_any_finding(uneven: float) -> None:
    periods = [honest_overrides(seed, uneven) for seed in range(40)]
    assert sum(bool(favoured_parties(*period).findings) for period in periods) <= 6
    assert sum(bool(lenient_officers(*period).findings) for period in periods) <= 6
