"""What one process decides by at a moment: a published set made ready for a day, and the history facts of that day.

Both are made in the background and put in place by one assignment, so that no declaration waits for them and none is
decided by half of one set and half of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tidewaiter.actions.decisions.weighing import Weigher
from tidewaiter.actions.profiles.publishing import SetContent
from tidewaiter.core.administration import Administration
from tidewaiter.core.condition import facts_of
from tidewaiter.core.facts import Catalogue, Origin
from tidewaiter.core.policy import Shift
from tidewaiter.core.profile import ProfileSet, Status, effective_conditions
from tidewaiter.engines.selection.deciding import facts_needed
from tidewaiter.engines.selection.live import LiveForce, live_force
from tidewaiter.storage.lake.facts.live import DayImage

type Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Named:
    """The history that another process holds: its name, and the day at whose close it ends."""

    name: str
    statistics_on: date


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides on the day `on`: the set `content`, its form `force`, and history as of `image.statistics_on`.

    Where `weigher` is another process, conditions and history are there: `force` has no conditions, `image` is a name.
    """

    content: SetContent
    on: date
    force: LiveForce
    image: DayImage | Named
    catalogue: Catalogue
    administration: Administration
    mark_kinds: Mapping[str, str]
    """The kind of mark each same-day fact is counted by."""
    weigher: Weigher

    @property
    def zone(self) -> ZoneInfo:
        """Return the administration's time zone."""
        return ZoneInfo(self.administration.time_zone)

    def day_of(self, at: datetime) -> date:
        """Return the administration's day of an instant."""
        return at.astimezone(self.zone).date()

    def shift_at(self, office: str, at: datetime) -> Shift | None:
        """Return the shift of an office at an instant; None where the policy names none."""
        return self.content.policy.office(office).shift_at(at.astimezone(self.zone).time())

    def registered(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows with the trusted-trader type as registered: the importer's, else the declarant's.

        Where nobody is registered the type stands as declared.
        """
        return registered(rows, self.content, self.on)


def registered(rows: Sequence[Row], content: SetContent, on: date) -> list[Row]:
    """Return rows with the trusted-trader type that a set gives them on a day (see `Standing.registered`)."""
    traders = content.traders
    if not traders:
        return list(rows)
    found: list[Row] = []
    for row in rows:
        parties = (str(row.get("importer_code") or ""), str(row.get("declarant_code") or ""))
        kind = next((traders[p].kind for p in parties if p in traders and traders[p].in_force(on)), None)
        found.append({**row, "trusted_trader": kind})
    return found


def made_ready(content: SetContent, catalogue: Catalogue, on: date) -> LiveForce:
    """Return the set ready for that day."""
    return live_force(content.profiles, content.policy, catalogue, content.lookouts, on)


def facts_asked(content: SetContent, force: LiveForce, catalogue: Catalogue, on: date) -> frozenset[str]:
    """Return the facts that deciding by the set reads on that day, profiles in shadow included.

    Same-day facts are always among them: what they count later is noted when a declaration is decided.
    """
    shadow = {code: profile for code, profile in content.profiles.profiles.items() if profile.status is Status.SHADOW}
    watched = effective_conditions(
        ProfileSet(shadow, content.profiles.indicators, content.profiles.lists), catalogue, on
    )
    asked = {fact.name for condition in watched.values() for fact in facts_of(condition)}
    same_day = {fact.name for fact in catalogue if fact.origin is Origin.SAME_DAY}
    return facts_needed(force.force) | asked | same_day
