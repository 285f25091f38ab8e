import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pytest

from tidewaiter.engines.generate.run import GenerationReport, generate
from tidewaiter.engines.generate.seizures import turns

ITEMS = 60_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> GenerationReport:
    return generate(ITEMS, 12, tmp_path_factory.mktemp("schemes"))


@pytest.fixture(scope="module")
def ask(made: GenerationReport) -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Indian/Mauritius'")
        for name in made.rows:
            connection.read_parquet(str(made.out / f"{name}.parquet")).create_view(name)
        connection.execute("CREATE VIEW first AS SELECT * FROM declarations WHERE version = 1")
        connection.execute("CREATE VIEW wrong AS SELECT * FROM first JOIN truth USING (declaration_id, item_number)")
        yield lambda query: connection.execute(query).fetchall()


def schemes(made: GenerationReport, kind: str) -> list[dict[str, Any]]:
    """Return the planted schemes of one kind as stated."""
    stated = json.loads((made.out / "schemes.json").read_text())["schemes"]
    return [scheme for scheme in stated if scheme["scheme"] == kind]


def test_every_irregularity_is_of_a_declared_item(made: GenerationReport, ask: Any) -> None:
    assert ask("SELECT count(*) FROM wrong") == [(made.rows["truth"],)]
    assert ask("SELECT count(*) FROM today JOIN today_truth USING (declaration_id, item_number)") == [
        (made.rows["today_truth"],)
    ]


def test_every_kind_of_scheme_is_planted_and_committed(made: GenerationReport, ask: Any) -> None:
    stated = {scheme["scheme_id"] for scheme in json.loads((made.out / "schemes.json").read_text())["schemes"]}
    committed = {scheme_id for (scheme_id,) in ask("SELECT DISTINCT scheme_id FROM truth")}
    assert committed == stated | {"OPP"}
    assert len({scheme_id[:2] for scheme_id in stated}) == 9


def test_schemes_are_committed_by_their_members_within_their_days(made: GenerationReport, ask: Any) -> None:
    stated = {scheme["scheme_id"]: scheme for scheme in json.loads((made.out / "schemes.json").read_text())["schemes"]}
    rows = ask("""
        SELECT scheme_id, importer_code, CAST(min(CAST(lodged_at AS DATE)) AS VARCHAR),
               CAST(max(CAST(lodged_at AS DATE)) AS VARCHAR)
        FROM wrong WHERE scheme_id <> 'OPP' GROUP BY ALL""")
    for scheme_id, importer, first, last in rows:
        lives = {one["importer_code"]: (one["from"], one["to"]) for one in stated[scheme_id]["members"]}
        assert importer in lives
        assert max(stated[scheme_id]["from"], lives[importer][0]) <= first
        assert last <= min(stated[scheme_id]["to"], lives[importer][1])


def test_registration_codes_give_no_scheme_away(made: GenerationReport, ask: Any) -> None:
    members = {
        one["importer_code"]
        for scheme in json.loads((made.out / "schemes.json").read_text())["schemes"]
        for one in scheme["members"]
    }
    codes = {code for (code,) in ask("SELECT DISTINCT importer_code FROM first WHERE flow = 'import'")}
    assert {len(code) for code in codes} == {9}
    ranks = [rank for rank, code in enumerate(sorted(codes)) if code in members]
    assert 0.35 < sum(ranks) / len(ranks) / len(codes) < 0.65


def test_ring_members_share_a_broker_and_declare_less_than_peers(made: GenerationReport, ask: Any) -> None:
    for scheme in schemes(made, "undervaluation"):
        ((brokers, importers),) = ask(
            f"SELECT count(DISTINCT declarant_code), count(DISTINCT importer_code) FROM wrong "
            f"WHERE scheme_id = '{scheme['scheme_id']}'"
        )
        assert brokers == 1
        assert importers > 1
    ((ratio,),) = ask("""
        WITH priced AS (SELECT substr(hs_code, 1, 6) AS hs, origin, customs_value / net_mass AS price,
                               t.role FROM first LEFT JOIN truth t USING (declaration_id, item_number)
                        WHERE net_mass > 0 AND flow = 'import'),
             peers AS (SELECT hs, origin, median(price) AS usual FROM priced WHERE role IS NULL GROUP BY ALL)
        SELECT median(price / usual) FROM priced JOIN peers USING (hs, origin) WHERE role = 'undervalued'""")
    assert 0.3 < ratio < 0.8


def test_misclassified_goods_stand_under_a_code_of_lower_duty(ask: Any) -> None:
    ((items, same_code, nothing_evaded),) = ask("""
        SELECT count(*), count(*) FILTER (substr(hs_code, 1, 6) = true_hs6), count(*) FILTER (evaded_duty <= 0)
        FROM wrong WHERE scheme = 'misclassification'""")
    assert items > 50
    assert (same_code, nothing_evaded) == (0, 0)


def test_origin_fraud_goes_through_the_hub_and_claims_its_preference(ask: Any) -> None:
    assert ask("""
        SELECT DISTINCT true_origin, origin, departure, preference FROM wrong WHERE scheme = 'origin fraud'""") == [
        ("CN", "MY", "MY", "PREF")
    ]


def test_relief_is_claimed_where_it_is_abused(ask: Any) -> None:
    assert ask("SELECT count(*) FROM wrong WHERE scheme = 'relief abuse' AND relief_code IS NULL") == [(0,)]
    ((evaded,),) = ask("SELECT min(evaded_duty) FROM wrong WHERE scheme = 'relief abuse'")
    assert evaded > 0


def test_split_consignments_stay_under_the_limit_and_come_in_bursts(ask: Any) -> None:
    ((most, several),) = ask("""
        SELECT max(customs_value), max(n) FROM wrong JOIN
        (SELECT importer_code, CAST(lodged_at AS DATE) AS day, count(*) AS n FROM wrong
         WHERE scheme = 'split consignments' GROUP BY ALL) b
        ON b.importer_code = wrong.importer_code AND b.day = CAST(lodged_at AS DATE)
        WHERE scheme = 'split consignments'""")
    assert most < 1_000
    assert several >= 2


def test_the_method_shifts_on_its_day(made: GenerationReport, ask: Any) -> None:
    for scheme in schemes(made, "shifting method"):
        days = {
            role: (first, last)
            for role, first, last in ask(f"""
                SELECT role, CAST(CAST(min(lodged_at) AS DATE) AS TEXT), CAST(CAST(max(lodged_at) AS DATE) AS TEXT)
                FROM wrong WHERE scheme_id = '{scheme["scheme_id"]}' GROUP BY role""")
        }
        assert set(days) == {"undervalued", "false origin"}
        assert days["undervalued"][1] < scheme["shifts_on"] <= days["false origin"][0]


def test_shell_successors_share_address_broker_goods_and_supplier_one_after_another(
    made: GenerationReport, ask: Any
) -> None:
    for scheme in schemes(made, "shell successors"):
        members = scheme["members"]
        assert len({one["importer_code"] for one in members}) == len(members) > 1
        assert len({one["address"] for one in members}) == 1
        assert all(one["to"] < two["from"] for one, two in pairwise(members))
        codes = ", ".join(f"'{one['importer_code']}'" for one in members)
        rows = ask(f"""
            SELECT importer_code, list_sort(list(DISTINCT importer_address)), list_sort(list(DISTINCT declarant_code)),
                   list_sort(list(DISTINCT substr(hs_code, 1, 6))), list(DISTINCT exporter_name)
            FROM first WHERE importer_code IN ({codes}) GROUP BY 1""")
        assert len(rows) == len(members)
        assert len({(tuple(row[1]), tuple(row[2]), tuple(row[3])) for row in rows}) == 1
        assert set.intersection(*(set(row[4]) for row in rows))


def test_the_colluding_officer_never_finds_anything_of_the_friend(made: GenerationReport, ask: Any) -> None:
    for scheme in schemes(made, "collusion"):
        members = ", ".join(f"'{one['importer_code']}'" for one in scheme["members"])
        friend = f"(SELECT DISTINCT declarant_code FROM first WHERE importer_code IN ({members}))"
        there = f"office = '{scheme['office']}'"
        seen = f"SELECT DISTINCT declaration_id FROM first WHERE declarant_code IN {friend} AND {there}"
        outcomes = ask(f"""
            SELECT outcome, count(*) FROM results
            WHERE officer = '{scheme["officer"]}' AND declaration_id IN ({seen}) GROUP BY 1""")
        assert {outcome for outcome, _ in outcomes} <= {"nothing_found", "not_inspected"}
        assert dict(outcomes).get("nothing_found", 0) > 0
        ((irregular,),) = ask(f"SELECT count(*) FROM truth WHERE scheme_id = '{scheme['scheme_id']}'")
        assert irregular > 10


def test_smugglers_are_new_short_lived_and_evade_no_duty(made: GenerationReport, ask: Any) -> None:
    ((longest, evaded, prohibited),) = ask("""
        SELECT max(days), max(evaded), min(prohibited) FROM (
            SELECT date_diff('day', min(lodged_at), max(lodged_at)) AS days, max(evaded_duty) AS evaded,
                   min(CAST(prohibited AS INTEGER)) AS prohibited
            FROM wrong WHERE scheme = 'smuggling' GROUP BY importer_code)""")
    assert longest <= 60
    assert (evaded, prohibited) == (0, 1)


def test_what_was_seized_under_a_declaration_was_there(ask: Any) -> None:
    ((seized, without_truth, other_category),) = ask("""
        SELECT count(*), count(*) FILTER (t.declaration_id IS NULL), count(*) FILTER (t.category <> s.category)
        FROM seizures s LEFT JOIN (SELECT DISTINCT declaration_id, category FROM truth WHERE prohibited) t
        USING (declaration_id) WHERE s.declaration_id IS NOT NULL""")
    assert seized > 0
    assert (without_truth, other_category) == (0, 0)


def test_nobody_evades_less_than_nothing(ask: Any) -> None:
    ((least, honest),) = ask("SELECT min(evaded_duty), count(*) FILTER (role IS NULL) FROM truth")
    assert least >= 0
    assert honest == 0


def reports_of(made: GenerationReport, name: str) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in (made.out / name).read_text(encoding="utf-8").splitlines()]


def test_reports_do_not_say_whether_they_are_true(made: GenerationReport) -> None:
    shown, hidden = reports_of(made, "reports.jsonl"), reports_of(made, "reports_truth.jsonl")
    assert [one["reference"] for one in shown] == [one["reference"] for one in hidden]
    assert set(shown[0]) == {"reference", "received_on", "source", "root_origin", "office", "text"}
    assert {one["true"] for one in hidden} == {True, False}


def test_roots_are_named_alike_whether_true_or_not(made: GenerationReport) -> None:
    assert {len(one["root_origin"]) for one in reports_of(made, "reports.jsonl")} == {len("ROOT-0000")}


def test_a_repeat_comes_after_its_root_from_another_source(made: GenerationReport) -> None:
    sources: dict[str, list[str]] = {}
    repeats = 0
    for shown, hidden in zip(reports_of(made, "reports.jsonl"), reports_of(made, "reports_truth.jsonl"), strict=True):
        heard = sources.setdefault(shown["root_origin"], [])
        assert hidden["repeat"] == bool(heard)
        assert shown["source"] not in heard
        repeats += hidden["repeat"]
        heard.append(shown["source"])
    assert repeats > 5


def test_true_reports_name_a_member_and_rumours_an_honest_trader(made: GenerationReport) -> None:
    stated = {
        scheme["scheme_id"]: {one["importer_code"] for one in scheme["members"]}
        for scheme in json.loads((made.out / "schemes.json").read_text())["schemes"]
    }
    members = set.union(*stated.values())
    for report in reports_of(made, "reports_truth.jsonl"):
        assert (report["about"] in stated[report["scheme_id"]]) if report["true"] else (report["about"] not in members)


def test_two_seizures_of_one_declaration_have_numbers_of_their_own() -> None:
    assert turns(np.array([7, 3, 7, 7, 3])).tolist() == [1, 1, 2, 3, 2]
