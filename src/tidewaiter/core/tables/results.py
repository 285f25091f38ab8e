"""Results: what one examination act established."""

from tidewaiter.core.tables.field import (
    Field,
    FieldType,
    Table,
    code,
    code_list,
    decimal,
    instant,
    money,
    ratio,
    text,
    word,
)

ACTS = ("documents", "scan", "physical")
AUDIT = "audit"
"""A post-clearance audit: no examination, for goods that were let go. It enters an entity's history, and no measure of
what selected goods."""
STATES = ("pending", "provisional", "final", "overturned")
OUTCOMES = ("not_inspected", "nothing_found", "found_other", "found_as_suspected")
FOUND = ("found_other", "found_as_suspected")
FISCAL_CATEGORIES = (
    "UNDERVALUATION",
    "OVERVALUATION",
    "MISCLASSIFICATION",
    "ORIGIN",
    "QUANTITY_OR_WEIGHT",
    "RELIEF_ABUSE",
    "UNDECLARED_GOODS",
    "TRANSIT_OR_WAREHOUSE_DIVERSION",
    "SHORT_LANDING",
)
PROTECTION_CATEGORIES = (
    "DRUGS",
    "ARMS",
    "CITES",
    "WASTE",
    "CASH",
    "DUAL_USE",
    "OTHER_PROHIBITED",
    "IPR",
    "SECURITY",
)
OTHER_CATEGORIES = ("PERMIT", "DOCUMENTATION", "CLERICAL", "OTHER")
CATEGORIES = FISCAL_CATEGORIES + PROTECTION_CATEGORIES + OTHER_CATEGORIES

RESULTS = Table(
    name="results",
    meaning="Results by examination act, and by post-clearance audit. An item not looked at has no outcome: that is "
    "not 'nothing found'.",
    key=("act_id",),
    day="completed_at",
    fields=(
        text("act_id", "Number of the act; without one, made from declaration and kind of act", required=True),
        text("declaration_id", "Declaration examined", required=True),
        word("act", "Kind of examination; audit: of books, after the goods were let go", (*ACTS, AUDIT), required=True),
        instant("completed_at", "When the act was completed", required=True),
        code_list("items", "Item numbers looked at; absent means all"),
        code_list("containers", "Containers looked at"),
        ratio("share_examined", "Share of the named goods that was looked at, 0 to 1"),
        word("state", "Standing of the result", STATES, required=True),
        word("outcome", "What the act established", OUTCOMES, required=True),
        text("not_inspected_reason", "Why the act did not take place"),
        Field(
            name="categories",
            type=FieldType.CODES,
            meaning="Categories of irregularity",
            values=CATEGORIES,
        ),
        money("duty_assessed", "Additional duty and tax assessed", "national"),
        money("duty_collected", "Of this collected", "national"),
        money("duty_refunded", "Refunded, or given back after appeal", "national"),
        money("penalty", "Penalty", "national"),
        money("seizure_value", "Value of goods seized", "national"),
        code("officer", "Examining officer"),
        decimal("officer_minutes", "Officer time spent", 1, "minutes"),
    ),
)
