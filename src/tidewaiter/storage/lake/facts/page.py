"""The reference page of the fact catalogue, docs/reference/facts.md."""

from tidewaiter.core.facts import Catalogue, Fact, Origin
from tidewaiter.storage.lake.facts.items import WHOLE, WORKING
from tidewaiter.storage.lake.facts.macros import PLACEHOLDERS, VAGUE_WORDS
from tidewaiter.storage.lake.facts.peers import LEAST, MONTHS

_HEADINGS = {
    Origin.FIELD: "As declared",
    Origin.DERIVED: "Derived from the declaration",
    Origin.CONSIGNMENT: "The consignment",
    Origin.HISTORY: "History, as of the close of the day before",
    Origin.SAME_DAY: "The same day",
}

_INTRODUCTION = f"""# Facts

What a condition can ask about an item. The catalogue is data: `src/tidewaiter/language/catalogue.yaml`. This page is
made from it.

- **Missing** is SQL's NULL. A share or a value per unit is missing where its divisor is missing or 0; money in
  national currency is missing where a rate is needed and absent. Counts of history are 0 for a party never seen and
  missing where the declaration names no such party. "Always there" marks facts that are never missing.
- **Words** are lower case, without accents, letters and digits only; ask with `has_word`. Text is compared exactly.
- **Version**: each declaration comes with the version known at the close of its day of lodging; a live decision has
  the version it decides.
- **History** is what was known at the close of the day before (in a lake whose days are closed one by one: of the last
  closed day). The latest version known counts, an amendment moves the counts on the day it counts, a cancelled
  declaration counts nowhere from its cancellation on, its results included. A window of 90 days holds the 90 days up
  to that close, by day of lodging; results and findings by the day they became known. A declaration with several
  acts counts once, post-clearance audits (act `audit`) among them. Overturned results remain results and are no
  findings.
- **Peers**: percentiles (type 7) over the {MONTHS} months before the month of the decision, as known on its first day;
  subheading and origin where there are {LEAST} items or more, else subheading, else heading. The same figures hold for
  the whole month.
- **Consignments**: the latest filing known when the declaration was lodged (or when the day of decision began, if that
  is later), under the declaration's previous document.
- **Same day**: by moment of lodging, then by number. A back-test counts the versions known at the close of the day.
- **Seizures** halve in weight with age where the fact says so; beyond 20 half-lives they no longer count.
"""


def facts_page(catalogue: Catalogue) -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION]
    for origin, heading in _HEADINGS.items():
        rows = [_row(fact) for fact in catalogue if fact.origin is origin]
        parts.append(
            f"## {heading}\n\n| fact | type | unit | known | meaning |\n|---|---|---|---|---|\n" + "\n".join(rows)
        )
    parts.append(_made())
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _row(fact: Fact) -> str:
    kind = f"{fact.type}, {fact.scale} decimals" if fact.scale else str(fact.type)
    always = " Always there." if fact.always_known else ""
    return f"| `{fact.name}` | {kind} | {fact.unit} | {fact.known} | {fact.meaning}.{always} |"


def _made() -> str:
    working = ", ".join(f"`{name}`" for name in (*WORKING, *WHOLE))
    return f"""## How a fact is made

The `source` of an entry is one of:

| source | gives |
|---|---|
| `{{field: office}}` | the declared field |
| `{{sql: net_mass >= gross_mass}}` | an expression over fields, `consignment.FIELD`, working columns, facts above it |
| `{{count: items, of: [hs6, origin], days: 90}}` | a sum over the window (without `days`: all) of a metric |
| `{{since: first, what: declarations, of: [importer_code]}}` | days since the first or last day of that metric |
| `{{distinct: [hs4], of: [importer_code]}}` | how many different values the entity has been seen with |
| `{{seizures: [origin], at: origin, half_life: 90}}` | seizures with the item's value; `days` or `half_life` |
| `{{percentile: 10, of: unit_value}}`, `{{peers: rows, of: unit_value}}` | figures of the peers: rows, level |
| `{{same_day: [importer_code]}}` | declarations of the entity lodged earlier the same day |

Metrics are declarations, items, net_mass, results and findings. An entity (`of`) is any list of
declared fields and working columns. Working columns: {working};
and the words of every name, address and the description as `FIELD_words`.

Names that stand for nobody: {", ".join(PLACEHOLDERS)}; and whatever begins with "to order". A description is vague
when it has no other words than: {", ".join(sorted(VAGUE_WORDS))}.
"""
