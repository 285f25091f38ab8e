"""Goods that wait for officers, and the word in the feed that nothing waits any more.

What ends an act does so within `telling_what_closed`. The entry tells neither what was looked at, nor by whom, nor how
many acts there were: it is the same for a first and a second examination, for goods found good and for a hit waived.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.examinations.changes import ACTS_CLOSED, Change, announce
from tidewaiter.core.channel import Channel
from tidewaiter.storage.records.asking import among, ask, texts
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Declaration

LOOKED_BACK = timedelta(days=40)
"""A result closed longer ago than this is not drawn any more: its key may have been opened."""

_WITH_OPEN_ACTS: Final = (
    "SELECT DISTINCT a.declaration_id FROM records_act a WHERE a.declaration_id {among} AND (a.state <> 'closed' OR "
    "(a.reexamines_id IS NULL AND a.officer_id IS NOT NULL AND a.closed_at >= %s AND NOT EXISTS "
    "(SELECT 1 FROM records_reexamination d WHERE d.act_id = a.act_id) AND 'nothing_found' = "
    "(SELECT r.outcome FROM records_result r WHERE r.act_id = a.act_id ORDER BY r.version DESC LIMIT 1)))"
)


def with_open_acts(declarations: Collection[str], at: datetime) -> set[str]:
    """Return those of the declarations about whose goods officers have something to do yet, as the next moment knows.

    That is an act not closed, of whatever kind, and a "nothing found" whose lot the worker has not drawn yet: else
    goods would be released between the first result and the second examination. Asked once a group.
    """
    if not declarations:
        return set()
    since = connection.ops.adapt_datetimefield_value(at - LOOKED_BACK)
    found = ask(_WITH_OPEN_ACTS.format(among=among()), [texts(declarations), since])
    return {number for (number,) in found}


@contextmanager
def telling_what_closed(declarations: Collection[str], *, by: Actor, at: datetime) -> Iterator[None]:
    """Tell in the feed of which goods in flight the last act closed within the block. Called within an action."""
    lock_chain()
    waited = with_open_acts(declarations, at)
    yield
    done = waited - with_open_acts(waited, at)
    flying = Declaration.objects.filter(pk__in=done, in_flight=True).order_by("pk") if done else ()
    closed = [
        Change(kind=ACTS_CLOSED, declaration=one, before=channel, after=channel, reference="")
        for one in flying
        for channel in [Channel(one.channel)]
    ]
    if closed:
        announce(closed, actor=by.reference, at=at)
