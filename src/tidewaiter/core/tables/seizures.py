"""Seizures, with or without a declaration."""

from tidewaiter.core.tables.field import (
    QUANTITY_SCALE,
    Table,
    code,
    decimal,
    instant,
    money,
    records,
    text,
)

SEIZURES = Table(
    name="seizures",
    meaning="Goods seized, with concealment, means of detection, route and parties.",
    key=("seizure_number",),
    day="seized_at",
    fields=(
        text("seizure_number", "Number of the seizure", required=True),
        instant("seized_at", "When the goods were seized", required=True),
        code("office", "Customs office"),
        text("legal_basis", "Legal basis"),
        text("declaration_id", "Declaration the goods were under"),
        code("document", "Transport document the goods were under"),
        code("category", "Category of the goods seized (as in results)"),
        text("goods", "Goods seized"),
        code("hs_code", "Commodity code of the goods seized", codes="hs"),
        decimal("quantity", "Quantity", QUANTITY_SCALE, "quantity_unit"),
        code("quantity_unit", "Unit of the quantity"),
        money("value", "Value", "national"),
        text("concealment", "How the goods were hidden"),
        text("detection_means", "What led to the seizure"),
        text("conveyance", "Vessel, flight or vehicle"),
        code("origin", "Country of origin", codes="countries"),
        code("departure", "Country of departure", codes="countries"),
        code("port_of_loading", "Place of loading", codes="locations"),
        code("transit_port", "Place of transit", codes="locations"),
        records(
            "parties",
            "Parties",
            (
                code("role", "Role of the party"),
                code("code", "Registration or tax code"),
                text("name", "Name"),
            ),
        ),
    ),
)
