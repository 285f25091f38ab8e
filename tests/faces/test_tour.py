"""The tour of the service that the guide shows, on a smaller country, with every step's outcome checked."""

from pathlib import Path

import pytest
from tools.tour.run import page, run
from tools.tour.told import Told, clipped, pretty, shortened


def test_long_lists_and_texts_are_cut_and_say_so() -> None:
    assert shortened({"a": [{"n": n} for n in range(5)]}) == {"a": [{"n": 0}, {"n": 1}, {"n": 2}, "... 2 more"]}
    assert shortened("x" * 200) == "x" * 160 + " ... 40 more characters"
    assert clipped([str(n) for n in range(6)], most=4) == ["0", "1", "... 2 lines ...", "4", "5"]


def test_what_fits_on_a_line_stands_on_one() -> None:
    assert pretty({"a": [1, 2]}) == '{"a": [1, 2]}'
    assert pretty({"a": "x" * 100, "b": []}) == '{\n  "a": "' + "x" * 100 + '",\n  "b": []\n}'


@pytest.mark.slow
def test_the_tour_comes_out_as_the_guide_shows_it(tmp_path: Path) -> None:
    told = Told(out=lambda _: None)
    came = run(tmp_path, told, items=1500, profiles=3)
    assert came.activated == 3
    assert came.suspicious["channel"] in ("red", "yellow")
    assert "EX-CLS-01" not in str(came.suspicious)
    assert came.repeated
    assert came.refused == {"other content": 409, "unreadable": 422, "trace to an examiner": 403}
    assert came.result["outcome"] == "found_as_suspected"
    assert came.examiner_saw[0]["checklist"][0]["lines"]
    assert not [word for word in ("EX-CLS-01", "probability", "reason", "drawn") if word in str(came.examiner_saw)]
    assert (came.risen["before"], came.risen["after"]) == ("green", "red")
    assert came.seconds_to_rise < 60
    assert came.stopped == {"serve": 0, "worker": 0}
    assert "; 0 discrepancies" in came.drawn
    assert came.audit == ""
    assert came.tampered.startswith("event 20 ")
    assert [line.split(" ")[0] for line in came.tampered.splitlines()][1] == "missing:"
    assert came.suspicious["decision_id"] in came.tampered
    assert len(came.replays) == 2
    assert all("identical" in printed for printed in came.replays)
    assert "tw_..." in page(told)
    assert str(tmp_path) not in page(told)
    issued = [file.read_text() for file in tmp_path.glob("*.token")]
    assert not [token for token in issued if token.strip() in page(told)]
