"""What was stored is read as it was written; what cannot be is refused, and what is new has its default."""

from datetime import date
from typing import Any

import pytest

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Circumstances, Override, Queue, ReasonKind
from tidewaiter.core.errors import InputError
from tidewaiter.core.json_form import from_json, to_json
from tidewaiter.core.lookout import Lookout, LookoutAction, LookoutKind


def test_sets_and_rows_of_several_kinds_are_written_in_one_order() -> None:
    settled = frozenset({(ReasonKind.RANDOM, "RANDOM", 7), (ReasonKind.PROFILE, "A", 1)})
    override = Override(reference="O", channel=Channel.BLUE, settled=settled)
    written = to_json(override)
    assert written["settled"] == [["profile", "A", 1], ["random", "RANDOM", 7]]
    assert from_json(Override, written) == override


def test_what_an_older_version_did_not_store_has_its_default() -> None:
    assert from_json(Circumstances, {}) == Circumstances()
    assert from_json(Queue, {"minutes_committed": 5}) == Queue(minutes_committed=5)


@pytest.mark.parametrize(
    "written",
    [
        {"minutes_comitted": 5},
        {"minutes_committed": "5"},
        {"minutes_committed": True},
        {"counts": {"purple": 1}},
        {"counts": []},
        [],
        None,
    ],
)
def test_what_is_not_the_form_of_a_queue_is_refused(written: Any) -> None:
    with pytest.raises(InputError, match="not the stored form of a Queue"):
        from_json(Queue, written)


def test_a_value_without_default_is_asked_for() -> None:
    with pytest.raises(InputError, match="Override lacks channel"):
        from_json(Override, {"reference": "O"})


def test_days_are_written_as_days_of_the_calendar() -> None:
    lookout = Lookout(
        reference="L", kind=LookoutKind.CONTAINER, action=LookoutAction.EXAMINE, valid_from=date(2026, 3, 2)
    )
    written = to_json(lookout)
    assert (written["valid_from"], written["valid_to"]) == ("2026-03-02", None)
    assert from_json(Lookout, written) == lookout
