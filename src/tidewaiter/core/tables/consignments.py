"""Advance cargo: the goods of one transport document."""

from tidewaiter.core.tables.field import (
    Table,
    code,
    code_list,
    instant,
    integer,
    mass,
    party,
    records,
    text,
)

CONSIGNMENTS = Table(
    name="consignments",
    meaning="Consignments as filed before arrival; joined to declarations by previous document.",
    key=("consignment_id",),
    day="filed_at",
    fields=(
        code("consignment_id", "House document or, without one, master document", required=True),
        code("house_document", "House bill or house air waybill"),
        code("master_document", "Master bill or master air waybill"),
        instant("filed_at", "When the manifest line was filed", required=True),
        code("transport_mode", "Mode of transport"),
        text("conveyance", "Vessel, flight or vehicle"),
        code("voyage", "Voyage, flight or trip number"),
        *party("carrier", "Carrier"),
        code("port_of_loading", "Place of loading", codes="locations"),
        code("port_of_discharge", "Place of discharge", codes="locations"),
        text("place_of_stuffing", "Where the container was stuffed"),
        *party("consignor", "Consignor"),
        *party("consignee", "Consignee"),
        *party("notify", "Notify party"),
        *party("consolidator", "Consolidator"),
        records(
            "containers",
            "Containers",
            (
                code("number", "Container number (ISO 6346)"),
                code("status", "FULL, EMPTY or LCL"),
                code_list("seals", "Seal numbers"),
            ),
        ),
        text("description", "Description of the goods"),
        mass("gross_mass", "Gross mass"),
        integer("packages", "Number of packages"),
        instant("eta", "Estimated time of arrival"),
    ),
)
