"""The canonical schema: what every table holds, field by field."""

from tidewaiter.core.tables.consignments import CONSIGNMENTS
from tidewaiter.core.tables.declarations import DECLARATIONS
from tidewaiter.core.tables.events import EVENTS
from tidewaiter.core.tables.field import BLANKS, Field, FieldType, Table
from tidewaiter.core.tables.incumbent import INCUMBENT
from tidewaiter.core.tables.results import RESULTS
from tidewaiter.core.tables.seizures import SEIZURES

TABLES: dict[str, Table] = {
    table.name: table for table in (DECLARATIONS, EVENTS, CONSIGNMENTS, RESULTS, SEIZURES, INCUMBENT)
}

__all__ = [
    "BLANKS",
    "CONSIGNMENTS",
    "DECLARATIONS",
    "EVENTS",
    "INCUMBENT",
    "RESULTS",
    "SEIZURES",
    "TABLES",
    "Field",
    "FieldType",
    "Table",
]
