"""The law of live facts: for any rows, an image of the day gives what the queries give, fact by fact."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.trade import Row, add, arrow, at, cancelled, item, result

from tidewaiter.core.administration import Administration
from tidewaiter.core.facts import Catalogue, FactType, held
from tidewaiter.core.tables import DECLARATIONS, FieldType
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.live import DayImage
from tidewaiter.storage.lake.facts.live_image import make_image
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.facts.table import facts_of_rows
from tidewaiter.storage.lake.lake import Lake

KEY = [("declaration_id", "ascending"), ("version", "ascending"), ("item_number", "ascending")]
ZONE = ZoneInfo("America/St_Johns")
ON = date(2024, 3, 12)
UNTIL = date(2024, 3, 11)
DAY = 71
"""The day of decision, counted from the first of the trade."""

ADDRESSES = (
    "Quay 7",
    "QUAY 7.",
    "P.O. Box 12",
    "Rúa Ñ 3",
    "서울 강남구 1",
    "Straße 5",
    "İzmir Cd. 4",
    "po  box",
    "¿?",
    "٣ شارع",
)
NAMES = ("To Order", "to order of bank", "Ace Ltd", "Société Générale", "同上", "N/A", "?!", "ﬁne Goods ①", "a" * 300)
TEXTS = (
    *NAMES,
    "general cargo",
    "Goods",
    "Leather shoes of bovine",
    "Größe 38 shoes",
    "parts, samples & goods",
    "e\u0301",
)
CODES = ("I1", "I2", "I3", "Ünknown", "NEW", "I1\u00b2")
HS = (
    "640399",
    "6403991000",
    "64",
    "640",
    "6",
    "0101",
    "770101",
    "99",
    "64O399",
    "1e",
    "-5",
    "+7",
    " 8",
    "٣٤",
    "640299",
)
COUNTRIES = ("VN", "CN", "XX", "ZZ", "DE")
DOCUMENTS = ("H1", "H2", "H3", "M1", "H9", "Ü-1")
BOXES = ("CSQU3054383", "CSQU3054384", "MSKU1234565", "X", "", "ÄBCU1234567")
DECIMALS = (Decimal(0), Decimal(1000), Decimal("0.001"), Decimal("99.999"), Decimal(-5), Decimal("999999999999999.999"),
            Decimal("123456789012.345"), Decimal(200), Decimal("9007199254740.993"))  # fmt: skip
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "hs_code": HS, "previous_document": DOCUMENTS, "description": TEXTS, "flow": ("import", "export"),
    "invoice_currency": ("EUR", "USD", "ZZZ"), "freight_currency": ("EUR", "USD"), "insurance_currency": ("USD", "KRW"),
    "exchange_rate": (Decimal("0.9"), Decimal("1350.12345678"), Decimal("9999999999.99999999"), Decimal("0.00000001")),
    "tariff_edition": (2017, 2022), "packages": (0, 1, 7, 10**12, -3, 2**62), "port_of_loading": ("VNSGN", "CNSHA"),
    "port_of_discharge": ("CASJF", "CNSHA"), "relief_code": ("R1",), "trusted_trader": ("AEO",), "office": ("A", "B"),
}  # fmt: skip


def shipped() -> Catalogue:
    return load_catalogue()


def any_value(random: Random, name: str, kind: FieldType) -> Any:
    """Return a value of that field, among them what is seldom met."""
    if name in CHOICES:
        return random.choice(CHOICES[name])
    if name.endswith("_address"):
        return random.choice(ADDRESSES)
    if name.endswith("_name"):
        return random.choice(NAMES)
    match kind:
        case FieldType.DECIMAL:
            return random.choice(DECIMALS)
        case FieldType.CODES:
            return random.choices((*BOXES, None), k=random.randrange(4))
        case FieldType.RECORDS:
            return [
                {"type": random.choice(("A00", "VAT", None)), "base": None, "amount": random.choice((*DECIMALS, None)),
                 "rate": random.choice((None, Decimal("7.5")))} for _ in range(random.randrange(3))
            ]  # fmt: skip
    return random.choice(COUNTRIES) if name in ("origin", "departure", "destination") else random.choice(CODES)


def any_declaration(random: Random, number: str) -> list[Row]:
    """Return the items of a declaration of the day of decision or of one of the days before."""
    lodged = at(DAY, 0) + timedelta(seconds=random.randrange(150 * 60), hours=random.choice((0, 5, -30)))
    version = random.choice((1, 1, 1, 2, 3, None))
    known = lodged if version in (1, None) else lodged + timedelta(seconds=random.randrange(10**5))
    whole = {"lodged_at": lodged, "version": version, "known_at": random.choice((known, None))}
    shared = {field.name: any_value(random, field.name, field.type) for field in DECLARATIONS.fields}
    rows = []
    for place in range(random.choice((1, 1, 2, 3))):
        row = dict(shared)
        for field in DECLARATIONS.fields:
            if not field.required and random.random() < 0.3:
                row[field.name] = None if random.random() < 0.5 else any_value(random, field.name, field.type)
        rows.append(row | whole | {"declaration_id": number, "item_number": place + 1, "flow": "import"})
    return rows


def filing(document: str, version: int, known: datetime, random: Random) -> Row:
    """Return a filing of a document, its parts drawn among a few."""
    boxes = [
        {"number": random.choice(BOXES[:3]), "status": random.choice(("EMPTY", "FULL", None)),
         "seals": random.choice((["S1"], ["S2", "S1"], [None, "S3"], None))} for _ in range(random.randrange(3))
    ]  # fmt: skip
    base: Row = {"consignment_id": document, "house_document": document, "version": version, "known_at": known}
    base |= {"master_document": random.choice(("M1", "M2", None)), "filed_at": known - timedelta(hours=3)}
    base |= {"containers": boxes or None, "description": random.choice(TEXTS), "eta": random.choice((at(DAY), None))}
    base |= {name: random.choice((None, *NAMES)) for name in ("consignee_name", "consignor_name", "notify_name")}
    base |= {name: random.choice((None, *NAMES)) for name in ("conveyance", "consolidator_name", "place_of_stuffing")}
    base |= {"gross_mass": random.choice((None, *DECIMALS)), "packages": random.choice((None, 0, 5))}
    return base | {
        name: random.choice((None, "I1", "VNSGN")) for name in ("consignee_code", "port_of_loading", "voyage")
    }


@dataclass(frozen=True, repr=False)
class World:
    """A lake with a past, the rows it was made of, and its image."""

    lake: Lake
    declarations: list[Row]
    filings: list[Row]
    image: DayImage
    without_filings: DayImage


def past(random: Random) -> dict[str, list[Row]]:
    """Return a trade of ten weeks."""
    tables: dict[str, list[Row]] = {"declarations": [], "results": [], "events": [], "seizures": []}
    for n in range(400):
        name, day = f"P{n:03d}", random.randrange(DAY)
        for version in range(1, random.choice((2, 2, 2, 3))):
            parts: Row = {
                key: random.choice((*CODES[:3], None)) for key in ("importer_code", "exporter_code", "seller_code")
            }
            parts |= {
                "declarant_code": "I1",
                "carrier_code": random.choice((None, "I2")),
                "origin": random.choice(COUNTRIES),
            }
            parts |= {
                "departure": random.choice(COUNTRIES),
                "port_of_loading": "VNSGN",
                "packages": random.choice((None, 4)),
            }
            parts |= {
                "importer_address": random.choice(ADDRESSES),
                "hs_code": random.choice(HS[:2]),
                "relief_code": "R1",
            }
            parts |= {"net_mass": random.choice((None, Decimal("7.25"), Decimal(30))), "gross_mass": Decimal(31)}
            parts |= {
                "customs_value": Decimal(random.randrange(1, 10**6)),
                "previous_document": random.choice(DOCUMENTS),
            }
            known = at(day) + timedelta(days=version - 1)
            tables["declarations"].append(item(name, day, version=version, known_at=known, **parts))
        if random.random() < 0.1:
            tables["events"].append(cancelled(name, day + 3))
        if random.random() < 0.4:
            tables["results"].append(result(f"R{n}", name, day + random.randrange(9), found=random.random() < 0.5))
    for n in range(12):
        base: Row = {"seizure_number": f"S{n}", "version": 1, "seized_at": at(random.randrange(DAY))}
        base |= {"known_at": base["seized_at"], "origin": random.choice(COUNTRIES), "port_of_loading": "VNSGN"}
        tables["seizures"].append(base | {"hs_code": random.choice(HS[:2]), "transit_port": "CNSHA", "departure": "DE"})
    return tables


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    random, folder = Random(5), tmp_path_factory.mktemp("live")
    lakes = [
        Lake.create(folder / name, Administration(currency="EUR", time_zone=ZONE.key)) for name in ("with", "without")
    ]
    today = [item(f"T{n}", DAY, hour=n % 20, previous_document=random.choice(DOCUMENTS), exporter_code="I2",
                  containers=[random.choice(BOXES[:3])]) for n in range(30)]  # fmt: skip
    filings = [
        filing(document, version, at(DAY - 3) + timedelta(hours=version * random.randrange(30)), random)
        for document in DOCUMENTS[:4] for version in range(1, random.choice((2, 3, 4)))
    ]  # fmt: skip
    tables = past(random)
    tables["declarations"] += today
    add(lakes[0], **tables, consignments=filings)
    add(lakes[1], **tables)
    images = [make_image(lake.snapshot(), shipped(), UNTIL) for lake in lakes]
    first = [row for row in tables["declarations"] if row["version"] == 1]
    yield World(lakes[0], first, filings, *images)
    for image in images:
        image.close()


def local_day(moment: datetime) -> int:
    return (moment.astimezone(ZONE).date() - date(1970, 1, 1)).days


def named(row: Row, columns: tuple[str, ...]) -> str | None:
    """Return the name of the row's entity; None where a part is missing."""
    parts = [row.get(column) for column in columns]
    return None if None in parts else "\x1f".join(map(str, parts))


def answers(asked: list[SameDayAsked], held_rows: list[Row], batch: set[str]) -> dict[SameDayAsked, int]:
    """Count plainly, as a service would in its records, the earlier declarations that the batch has not."""
    columns = {
        "importer_same_day": ("importer_code",),
        "document_same_day": ("previous_document",),
        "shipment_same_day": ("importer_code", "exporter_code", "hs6"),
    }
    counted = {}
    for one in asked:
        earlier = set()
        for row in held_rows:
            lodged = int((row["lodged_at"] - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
            if row["declaration_id"] in batch or local_day(row["lodged_at"]) != one.lodged_on:
                continue
            parts = row | {"hs6": row["hs_code"][:6]}
            own = row.get("containers") or () if one.fact == "container_same_day" else [named(parts, columns[one.fact])]
            if set(own) & set(one.entities) and (lodged, row["declaration_id"]) < (one.lodged_at, one.declaration_id):
                earlier.add(row["declaration_id"])
        counted[one] = len(earlier)
    return counted


def as_held(table: pa.Table, catalogue: Catalogue) -> list[Row]:
    rows = []
    for row in table.to_pylist():
        facts = {
            fact.name: row[fact.name] if fact.type is FactType.RATIO else held(row[fact.name], fact)
            for fact in catalogue
        }
        rows.append(facts)
    return rows


@pytest.mark.slow
@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_an_image_gives_the_facts_that_the_queries_give(world: World, seed: int) -> None:
    random = Random(seed)
    rows = [row for n in range(60) for row in any_declaration(random, random.choice((f"N{n}", f"T{n}")))]
    table, numbers = arrow("declarations", rows), {row["declaration_id"] for row in rows}
    catalogue = shipped()
    expected = facts_of_rows(world.lake.snapshot(), catalogue, table, ON, UNTIL).sort_by(KEY)
    same_day = answers(world.image.same_day_asked(table), world.declarations, numbers)
    given_facts = world.image.fact_table(table, on=ON, same_day=same_day).sort_by(KEY)
    wrong = {name: [pair for pair in zip(expected[name].to_pylist(), given_facts[name].to_pylist(), strict=True)
                    if pair[0] != pair[1]][:3]
             for name in expected.column_names if not expected[name].equals(given_facts[name])}  # fmt: skip
    assert wrong == {}
    as_mappings = world.without_filings.facts(rows, on=ON, same_day=same_day, filings=world.filings)
    assert as_mappings == world.image.facts(table, on=ON, same_day=same_day)
    assert sorted(map(str, as_mappings)) == sorted(map(str, as_held(expected, catalogue)))
