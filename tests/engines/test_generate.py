import csv
import hashlib
import json
import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidewaiter.core.codes import COUNTRIES, CURRENCIES, container_check_digit, is_container, is_hs_code, is_location
from tidewaiter.core.errors import InputError
from tidewaiter.core.tables import TABLES
from tidewaiter.engines.generate.country import load_goods, load_partners
from tidewaiter.engines.generate.papers import check_digits
from tidewaiter.engines.generate.run import GenerationReport, generate
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.storage.lake.schema import arrow_type

ITEMS = 30_000
NOMENCLATURE = Path(__file__).parents[2].parent / "shared" / "data" / "harmonized-system" / "hs2022.csv"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> GenerationReport:
    return generate(ITEMS, 5, tmp_path_factory.mktemp("country"))


@pytest.fixture
def ask(made: GenerationReport) -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Indian/Mauritius'")
        for name in made.rows:
            connection.read_parquet(str(made.out / f"{name}.parquet")).create_view(name)
        yield lambda query: connection.execute(query).fetchall()


def read(made: GenerationReport, name: str) -> pa.Table:
    return pq.read_table(made.out / f"{name}.parquet")


def policy(made: GenerationReport) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads((made.out / "schemes.json").read_text())["policy"]
    return stated


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def within(count: int, expected: float, variance: float, *, sigmas: float = 4.5) -> bool:
    """Tell whether a count lies where chance may put it."""
    return abs(count - expected) <= sigmas * math.sqrt(variance) + 1


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    generate(1_500, 8, tmp_path / "one", months=4)
    generate(1_500, 8, tmp_path / "two", months=4)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


@pytest.mark.slow
def test_another_seed_makes_another_country(tmp_path: Path) -> None:
    generate(1_500, 8, tmp_path / "one", months=4)
    generate(1_500, 9, tmp_path / "two", months=4)
    one, two = digests(tmp_path / "one"), digests(tmp_path / "two")
    assert {name for name in one if one[name] == two[name]} == {"README.txt", "tidewaiter.toml"}


def test_drawing_more_for_one_concern_reshuffles_no_other() -> None:
    streams = Streams(3)
    expected = streams.of("goods", 2).random(5)
    streams.of("traders", 2).random(1_000)
    assert (streams.of("goods", 2).random(5) == expected).all()
    assert (streams.of("traders", 2).random(5) != expected).all()
    assert (streams.of("goods", 3).random(5) != expected).all()


def test_every_argument_out_of_range_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError) as caught:
        generate(5, -1, file, months=0)
    assert len(caught.value.problems) == 4
    assert all(problem.suggestion for problem in caught.value.problems)


@pytest.mark.slow
@pytest.mark.parametrize(("items", "months"), [(100, 1), (1_000, 3), (400, 24)])
def test_a_small_country_can_be_made_too(tmp_path: Path, items: int, months: int) -> None:
    report = generate(items, 2, tmp_path, months=months, start=date(2023, 11, 15))
    assert report.items == items
    assert report.rows["declarations"] >= items


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_are_the_canonical_ones(made: GenerationReport, name: str) -> None:
    fields = [(field.name, arrow_type(field)) for field in TABLES[name].fields]
    added = [("version", pa.int64()), ("known_at", pa.timestamp("us", tz="UTC"))]
    assert read(made, name).schema.equals(pa.schema([*fields, *added]))


@pytest.mark.parametrize("name", TABLES)
def test_required_fields_are_there_and_closed_vocabularies_are_kept(made: GenerationReport, name: str) -> None:
    table = read(made, name)
    assert table.num_rows > 0
    for field in TABLES[name].fields:
        column = table[field.name]
        assert not (field.required and column.null_count), field.name
        if field.values and not pa.types.is_list(column.type):
            assert set(column.drop_null().unique().to_pylist()) <= set(field.values), field.name


@pytest.mark.parametrize("name", TABLES)
def test_every_key_stands_once_in_a_version(made: GenerationReport, ask: Any, name: str) -> None:
    columns = ", ".join((*TABLES[name].key, *TABLES[name].rows, "version"))
    assert ask(f"SELECT count(*) - count(DISTINCT ({columns})) FROM {name}") == [(0,)]


def test_the_items_asked_for_are_made_exactly(made: GenerationReport, ask: Any) -> None:
    assert ask("SELECT count(*), count(DISTINCT declaration_id) FROM declarations WHERE version = 1") == [
        (ITEMS, made.declarations)
    ]


def test_a_version_is_the_complete_item_set(ask: Any) -> None:
    assert ask("SELECT count(*) FROM declarations WHERE version = 2")[0][0] > 300
    assert (
        ask("""
        SELECT declaration_id FROM declarations GROUP BY declaration_id, version
        HAVING count(*) <> max(item_number) OR min(item_number) <> 1""")
        == []
    )
    assert (
        ask("""
        SELECT declaration_id FROM (SELECT declaration_id, version, count(*) AS n FROM declarations GROUP BY ALL)
        GROUP BY declaration_id HAVING min(n) <> max(n)""")
        == []
    )


def test_amendments_are_known_later_than_what_they_amend(ask: Any) -> None:
    assert (
        ask("""
        SELECT declaration_id FROM declarations WHERE version = 2 AND known_at <= lodged_at
        OR version = 1 AND known_at <> lodged_at""")
        == []
    )


def test_rows_stand_in_the_order_of_lodging(made: GenerationReport) -> None:
    table = read(made, "today").select(["lodged_at", "declaration_id", "item_number"])
    assert table.equals(table.sort_by([(name, "ascending") for name in table.column_names]))


def test_most_declarations_are_short_and_none_is_over_thirty_items(ask: Any) -> None:
    ((mean, most),) = ask(
        "SELECT avg(n), max(n) FROM (SELECT max(item_number) AS n FROM declarations GROUP BY declaration_id)"
    )
    assert 2.2 < mean < 2.8
    assert 8 < most <= 30


def test_less_is_lodged_at_weekends_and_more_in_autumn(ask: Any) -> None:
    days = dict(ask("SELECT isodow(lodged_at), count(*) FROM declarations GROUP BY 1"))
    assert days[7] < days[6] < days[5]
    months = dict(ask("SELECT month(lodged_at), count(*) FROM declarations WHERE year(lodged_at) = 2025 GROUP BY 1"))
    assert months[2] < months[11]


def test_a_few_traders_have_most_of_the_trade(ask: Any) -> None:
    counts = [n for (n,) in ask("SELECT count(*) AS n FROM declarations GROUP BY importer_code ORDER BY n DESC")]
    assert sum(counts[: len(counts) // 5]) > 0.6 * sum(counts)


def test_codes_are_known_ones(made: GenerationReport) -> None:
    table = read(made, "declarations")
    assert all(map(is_hs_code, table["hs_code"].unique().to_pylist()))
    for name in ("origin", "departure", "destination"):
        assert set(table[name].unique().to_pylist()) <= COUNTRIES
    assert set(table["invoice_currency"].unique().to_pylist()) <= CURRENCIES
    for name in ("port_of_loading", "port_of_discharge"):
        assert all(map(is_location, table[name].unique().to_pylist()))


def test_commodity_codes_stand_in_the_nomenclature() -> None:
    if not NOMENCLATURE.exists():
        pytest.skip("the nomenclature of the shared data folder is not there")
    with NOMENCLATURE.open(encoding="utf-8") as file:
        known = {row["hscode"] for row in csv.DictReader(file)}
    assert set(load_goods().hs) <= known


def test_goods_and_partners_are_told_once() -> None:
    assert len(set(load_goods().hs)) == len(load_goods().hs) >= 120
    assert len(set(load_partners().country)) == len(load_partners().country)
    assert np.allclose(load_goods().origins.sum(axis=1), 1)


def test_few_containers_have_a_wrong_check_digit(made: GenerationReport) -> None:
    numbers = [
        number for (numbers) in read(made, "declarations")["containers"].drop_null().to_pylist() for number in numbers
    ]
    wrong = sum(not is_container(number) for number in set(numbers)) / len(set(numbers))
    assert 0.001 < wrong < 0.02


def test_check_digits_are_those_of_the_standard() -> None:
    heads = ["CSQU305438", "MSCU639871", "TSWU000000", "ABCZ999999"]
    body = np.array([list(head.encode()) for head in heads], dtype=np.uint8)
    assert check_digits(body).tolist() == [container_check_digit(head) for head in heads]


def test_taxes_are_rate_times_base_to_the_cent(ask: Any) -> None:
    assert (
        ask("""
        SELECT line FROM (SELECT unnest(tax_lines) AS line FROM declarations)
        WHERE abs(line.amount - line.base * line.rate / 100) > 0.0051""")
        == []
    )


def test_value_added_tax_falls_on_value_and_all_other_duties(ask: Any) -> None:
    assert (
        ask("""
        SELECT declaration_id, item_number FROM (
            SELECT *, list_sum([l.amount FOR l IN tax_lines IF l.type <> 'VAT']) AS duties,
                   [l.base FOR l IN tax_lines IF l.type = 'VAT'][1] AS vat_base
            FROM declarations WHERE flow = 'import')
        WHERE vat_base IS DISTINCT FROM customs_value + duties""")
        == []
    )


def test_only_imports_pay(ask: Any) -> None:
    assert ask("SELECT DISTINCT flow FROM declarations WHERE tax_lines IS NOT NULL") == [("import",)]


def test_customs_value_is_the_invoice_in_national_currency_with_freight_and_insurance(ask: Any) -> None:
    assert (
        ask("""
        SELECT declaration_id, item_number FROM declarations
        WHERE abs(customs_value - (CAST(invoice_value AS DOUBLE) * CAST(exchange_rate AS DOUBLE)
                                   + coalesce(freight, 0) + coalesce(insurance, 0))) > 0.0051""")
        == []
    )


def test_what_may_be_missing_is_missing_now_and_then_and_never_zero(ask: Any) -> None:
    ((missing, zero, rows),) = ask("""
        SELECT count(*) FILTER (net_mass IS NULL), count(*) FILTER (net_mass = 0 OR customs_value = 0 OR freight = 0),
               count(*) FROM declarations""")
    assert 0 < missing < 0.02 * rows
    assert zero == 0


def test_net_over_gross_is_a_rare_honest_mistake(ask: Any) -> None:
    ((share,),) = ask("SELECT avg(CAST(net_mass > gross_mass AS INTEGER)) FROM declarations")
    assert 0.0005 < share < 0.01


def test_most_imports_find_their_consignment(ask: Any) -> None:
    ((joined, all_of_them),) = ask("""
        SELECT count(c.consignment_id), count(*) FROM
        (SELECT DISTINCT declaration_id, previous_document FROM declarations WHERE flow = 'import' AND version = 1) d
        LEFT JOIN consignments c ON c.consignment_id = d.previous_document""")
    assert 0.85 < joined / all_of_them < 0.99


def test_events_follow_each_other(ask: Any) -> None:
    moments = (
        "PIVOT (SELECT declaration_id, kind, epoch_us(occurred_at) AS moment FROM events) ON kind USING min(moment)"
    )
    assert (
        ask(f"""
        SELECT declaration_id FROM ({moments}) WHERE arrived > discharged OR lodged > decided OR decided > released
        OR released > gate_out OR examined_from >= examined_to OR examined_to > released OR discharged > gate_out
        OR positioned >= examined_from OR agency_hold >= agency_release OR cancelled < decided""")
        == []
    )


def test_red_takes_longer_than_green(ask: Any) -> None:
    hours = dict(
        ask("""
        SELECT coalesce(rerouted_to, channel), median(epoch(r.occurred_at) - epoch(decided_at)) / 3600
        FROM incumbent JOIN events r USING (declaration_id) WHERE r.kind = 'released' GROUP BY 1""")
    )
    assert hours["green"] < hours["yellow"] < hours["red"]


def test_nothing_is_known_that_came_after_the_last_day(made: GenerationReport, ask: Any) -> None:
    for name in TABLES:
        ((latest,),) = ask(f"SELECT CAST(max(known_at) AS DATE) FROM {name}")
        assert latest < made.today


def test_today_is_the_day_after_and_stands_in_no_other_file(made: GenerationReport, ask: Any) -> None:
    assert ask("SELECT DISTINCT CAST(lodged_at AS DATE) FROM today") == [(made.today,)]
    assert ask("SELECT count(*) FROM today JOIN declarations USING (declaration_id)") == [(0,)]


def test_only_what_was_selected_was_examined(ask: Any) -> None:
    channels = ask("""
        SELECT DISTINCT coalesce(rerouted_to, channel) FROM incumbent JOIN results USING (declaration_id)""")
    assert {channel for (channel,) in channels} == {"yellow", "orange", "red"}
    assert ask("SELECT count(*) FROM results ANTI JOIN incumbent USING (declaration_id)") == [(0,)]


def test_what_was_not_inspected_has_a_reason_and_no_outcome_of_goods(ask: Any) -> None:
    ((count, without_reason, with_findings),) = ask("""
        SELECT count(*), count(*) FILTER (not_inspected_reason IS NULL),
               count(*) FILTER (categories IS NOT NULL OR duty_assessed IS NOT NULL OR officer_minutes IS NOT NULL)
        FROM results WHERE outcome = 'not_inspected'""")
    assert count > 20
    assert (without_reason, with_findings) == (0, 0)


def test_results_stand_first_provisional_then_final_then_now_and_then_overturned(ask: Any) -> None:
    orders = ask("""
        SELECT DISTINCT list(state ORDER BY version) FROM results GROUP BY act_id""")
    allowed = ["provisional", "final", "overturned"]
    assert {"provisional", "final", "overturned"} == {state for (states,) in orders for state in states}
    assert all(states == [state for state in allowed if state in states] for (states,) in orders)
    assert ask("SELECT count(*) FROM results WHERE known_at <= completed_at") == [(0,)]


def test_duty_is_assessed_only_where_the_truth_has_it_and_never_beyond(ask: Any) -> None:
    assert (
        ask("""
        SELECT declaration_id FROM (SELECT declaration_id, sum(duty_assessed) AS assessed FROM
            (SELECT * FROM results QUALIFY row_number() OVER (PARTITION BY act_id ORDER BY version DESC) = 1)
            GROUP BY 1)
        LEFT JOIN (SELECT declaration_id, sum(evaded_duty) AS evaded FROM truth GROUP BY 1) USING (declaration_id)
        WHERE assessed > coalesce(evaded, 0) + 0.01""")
        == []
    )


def test_logged_probabilities_are_those_with_which_it_was_selected(ask: Any) -> None:
    rows = ask("""
        SELECT ntile(5) OVER (ORDER BY selection_probability, declaration_id) AS fifth, selection_probability,
               channel IN ('red', 'orange', 'yellow') FROM incumbent""")
    for fifth in range(1, 6):
        drawn = [(p, selected) for number, p, selected in rows if number == fifth]
        expected, variance = sum(p for p, _ in drawn), sum(p * (1 - p) for p, _ in drawn)
        assert within(sum(selected for _, selected in drawn), expected, variance)


def test_the_random_share_is_the_stated_one_at_every_office(made: GenerationReport, ask: Any) -> None:
    stated = policy(made)
    rows = ask("""
        SELECT office, trusted_trader IS NOT NULL, count(*), count(*) FILTER (in_random_sample)
        FROM incumbent JOIN (SELECT * FROM declarations WHERE item_number = 1 AND version = 1) USING (declaration_id)
        GROUP BY ALL""")
    assert len(rows) > 5
    for office, trusted, count, drawn in rows:
        share = stated["random_share_trusted"] if trusted else stated["random_share"][office]
        assert within(drawn, share * count, share * (1 - share) * count)


def test_random_membership_is_recorded_where_another_reason_selects_too(ask: Any) -> None:
    assert ask("SELECT count(*) FROM incumbent WHERE in_random_sample AND channel NOT IN ('red')") == [(0,)]
    assert ask("SELECT count(*) FROM incumbent WHERE in_random_sample AND criterion IS NOT NULL")[0][0] > 0


def test_green_declarations_were_selected_by_no_criterion(made: GenerationReport, ask: Any) -> None:
    channels = {one["code"]: one["channel"] for one in policy(made)["criteria"]}
    for channel, criterion in ask("SELECT DISTINCT channel, criterion FROM incumbent WHERE NOT in_random_sample"):
        assert channels.get(criterion, "green") == channel


def test_four_to_eight_declarations_in_a_hundred_are_irregular(made: GenerationReport, ask: Any) -> None:
    assert 0.04 < made.irregular_declarations / made.declarations < 0.08
    assert ask("SELECT count(DISTINCT declaration_id) FROM truth") == [(made.irregular_declarations,)]


def test_the_random_sample_shows_the_truth_and_the_rest_of_the_selection_does_not(ask: Any) -> None:
    rows = ask("""
        SELECT in_random_sample, channel IN ('red', 'orange', 'yellow'), t.declaration_id IS NOT NULL, count(*)
        FROM incumbent LEFT JOIN (SELECT DISTINCT declaration_id FROM truth) t USING (declaration_id) GROUP BY ALL""")

    def share(keep: Any) -> tuple[int, int]:
        kept = [row for row in rows if keep(row)]
        return sum(n for *_, wrong, n in kept if wrong), sum(row[3] for row in kept)

    wrong, declarations = share(lambda _: True)
    sampled_wrong, sampled = share(lambda row: row[0])
    chosen_wrong, chosen = share(lambda row: row[1] and not row[0])
    prevalence = wrong / declarations
    assert within(sampled_wrong, prevalence * sampled, prevalence * (1 - prevalence) * sampled)
    assert chosen_wrong / chosen > 2 * prevalence


def test_the_reference_page_names_every_file_scheme_and_criterion(made: GenerationReport) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "generator.md").read_text(encoding="utf-8")
    stated = json.loads((made.out / "schemes.json").read_text())
    names = {file.name for file in made.out.iterdir()}
    names |= {scheme["scheme"] for scheme in stated["schemes"]}
    names |= {criterion["code"] for criterion in stated["policy"]["criteria"]}
    assert {name for name in names if name not in page} == set()
