"""What is written about a run: the schemes and the past policy as data, the administration, and what each file is."""

from tidewaiter.engines.generate import country
from tidewaiter.engines.generate.calendar import Calendar, day_of
from tidewaiter.engines.generate.criteria import (
    CHANNELS,
    COLLUSION_SHARE,
    CRITERIA,
    NOT_INSPECTED,
    REROUTES,
    TRUSTED_FACTOR,
    TRUSTED_RANDOM_SHARE,
    WATCH_MONTHS,
)
from tidewaiter.engines.generate.planting import OPPORTUNISM_RATE
from tidewaiter.engines.generate.schemes import OPPORTUNIST, Kind, Plan, Scheme
from tidewaiter.engines.generate.traders import Traders

SETTINGS = f"""lake = "lake"

[administration]
name = "{country.NAME}"
currency = "{country.CURRENCY}"
time_zone = "{country.TIME_ZONE}"
material_duty = "50"
"""

README = """The trade of Tessaria, a fictional island republic. Every company, person and event is made up.

declarations.parquet   declarations, one row an item; version 2 is an amendment with its complete item set
events.parquet         what happened to each declaration, and when
consignments.parquet   advance cargo, joined by previous_document
results.parquet        results by examination act; later versions: provisional, final, overturned
seizures.parquet       seizures, with and without a declaration
incumbent.parquet      what the system in use decided, with the probability of selection and the random sample
today.parquet          declarations of the day after the period, to be decided
tidewaiter.toml        settings: where the lake is to be; name, currency and time zone of the administration
reports.jsonl          information reports to be graded: reference, date, source reference, root origin, text

Not for those who make profiles:
truth.parquet          every irregular item: scheme, role, category, duty evaded
today_truth.parquet    the same for today.parquet
reports_truth.jsonl    which reports are true, which repeat another, and whom they are about
schemes.json           what was planted, by whom and when; and the past policy, as it was drawn

To load it, in this folder, for each of the six tables:
tidewaiter ingest declarations.parquet --mapping declarations

Files hold what was known when the last day ended: results of the last weeks are missing, as in life.
"""

_HOW = {
    Kind.UNDERVALUATION: "importers with one broker and one supplier declare {low:.0%} to {high:.0%} of the value",
    Kind.MISCLASSIFICATION: "goods of higher duty declared under a code of lower duty",
    Kind.ORIGIN: "goods under anti-dumping duty routed through a hub and declared as made there, with preference",
    Kind.SMUGGLING: "new importers bring in prohibited goods under cheap cover loads, live for weeks",
    Kind.RELIEF: "commercial goods declared under a relief",
    Kind.SPLIT: "one order cut into declarations under the low-value limit, lodged in bursts",
    Kind.SHELL: "undervaluation; when exposed, a new company at the same address goes on with goods and supplier",
    Kind.COLLUSION: "values understated; one officer examines this broker's declarations and never finds anything",
    Kind.SHIFT: "undervaluation until the day of change, from that day false origin through a hub",
}


def schemes_stated(calendar: Calendar, plan: Plan, traders: Traders, seed: int, items: int) -> dict[str, object]:
    """Return schemes.json: seed, period, schemes and policy."""
    return {
        "country": country.NAME,
        "seed": seed,
        "items": items,
        "period": {"from": day_of(calendar.first).isoformat(), "to": day_of(calendar.last).isoformat()},
        "schemes": [_scheme(scheme, traders) for scheme in plan.schemes],
        "opportunism": {"scheme_id": OPPORTUNIST, "rate": OPPORTUNISM_RATE},
        "policy": policy_stated(),
    }


def _scheme(scheme: Scheme, traders: Traders) -> dict[str, object]:
    """Return one scheme as data."""
    goods, partners = country.load_goods(), country.load_partners()
    through = scheme.declared_origin
    members = [
        {
            "importer_code": traders.companies.code[at],
            "name": traders.companies.name[at],
            "address": traders.companies.address[at],
            "from": day_of(int(traders.born[at])).isoformat(),
            "to": day_of(int(traders.died[at])).isoformat(),
        }
        for at in scheme.members
    ]
    office = country.OFFICES[scheme.office].code
    return {
        "scheme_id": scheme.scheme_id,
        "scheme": scheme.kind.value,
        "how": _HOW[scheme.kind].format(low=scheme.low, high=scheme.high),
        "from": day_of(scheme.starts_on).isoformat(),
        "to": day_of(scheme.ends_on).isoformat(),
        "shifts_on": day_of(scheme.shifts_on).isoformat() if scheme.shifts_on else None,
        "goods": [goods.hs[at] for at in scheme.goods],
        "declared_as": [goods.hs[at] for at in scheme.declared],
        "origin": partners.country[scheme.origin],
        "declared_origin": partners.country[through] if through >= 0 else None,
        "relief": country.RELIEFS[scheme.relief] if scheme.relief >= 0 else None,
        "category": scheme.category or None,
        "share_of_declarations_irregular": scheme.rate,
        "broker": scheme.broker,
        "office": office,
        "officer": f"{office}-{scheme.officer + 1:02d}" if scheme.officer is not None else None,
        "members": members,
    }


def policy_stated() -> dict[str, object]:
    """Return the past policy as it was drawn."""
    names = [channel.value for channel in CHANNELS]
    return {
        "unit": "declaration",
        "selection_probability": "1 - (1 - random share) x product of (1 - chance) over the criteria that apply to any "
        "item of an import and give yellow, orange or red; before re-routes",
        "random_share": {office.code: office.random_share for office in country.OFFICES},
        "random_share_trusted": TRUSTED_RANDOM_SHARE,
        "random_channel": "red",
        "trusted_factor": TRUSTED_FACTOR,
        "criteria": [
            {"code": one.code, "meaning": one.meaning, "channel": names[one.channel], "chance": one.chance}
            for one in CRITERIA
        ],
        "watch_list": f"an importer with a finding known in a month is on it for the {WATCH_MONTHS} months after",
        "not_inspected": {names[channel]: chance for channel, chance in NOT_INSPECTED.items()},
        "reroutes": [{"from": names[old], "to": names[new], "chance": chance} for old, new, chance in REROUTES],
        "collusion_share": COLLUSION_SHARE,
    }
