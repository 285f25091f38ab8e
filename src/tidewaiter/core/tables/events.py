"""What happened to a declaration or a consignment, and when."""

from tidewaiter.core.tables.field import Table, code, instant, text, word

EVENT_KINDS = (
    "arrived",
    "discharged",
    "lodged",
    "paid",
    "decided",
    "positioned",
    "examined_from",
    "examined_to",
    "agency_hold",
    "agency_release",
    "released",
    "gate_out",
    "cancelled",
)

EVENTS = Table(
    name="events",
    meaning="Events of a declaration or of a consignment before it is declared; at least one of the two is named.",
    key=("event_id",),
    day="occurred_at",
    fields=(
        text("event_id", "Number of the event; without one, made from kind, moment and subject", required=True),
        word("kind", "What happened", EVENT_KINDS, required=True),
        instant("occurred_at", "When it happened", required=True),
        text("declaration_id", "Declaration concerned"),
        code("document", "Transport document concerned"),
        code("container", "Container concerned"),
        code("office", "Customs office"),
        code("officer", "Officer who acted"),
        text("detail", "Agency, place or reason"),
    ),
)
