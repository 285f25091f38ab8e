"""The OpenAPI document says what the API takes and gives, field by field."""

import json
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from tests.api_world import ITEM, a_declaration

from tidewaiter.core.errors import InputError
from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, EVENTS, Table
from tidewaiter.faces.api.documents import TOP_ONLY, Documents
from tidewaiter.faces.api.json_reading import read_json
from tidewaiter.faces.api.routes import actions_of, openapi_text, operations

DOCUMENT: dict[str, Any] = json.loads(openapi_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
READS = Documents("UTC")


DECLARATION = jsonschema_rs.Draft202012Validator(
    {"$ref": "#/components/schemas/Declaration", "components": {"schemas": SCHEMAS}}
)


@pytest.mark.parametrize(
    ("schema", "table", "elsewhere"),
    [
        ("Declaration", DECLARATIONS, {"item_number"}),
        ("Item", DECLARATIONS, set(TOP_ONLY)),
        ("Consignment", CONSIGNMENTS, set()),
        ("Event", EVENTS, set()),
    ],
)
def test_every_field_is_there_with_its_meaning_and_unit(schema: str, table: Table, elsewhere: set[str]) -> None:
    documented = SCHEMAS[schema]["properties"]
    for field in table.fields:
        if field.name not in elsewhere:
            assert field.meaning in documented[field.name]["description"]
            assert field.unit != "kg" or "in kg" in documented[field.name]["description"]
    assert documented.keys() - {"version", "items"} == {field.name for field in table.fields} - elsewhere
    assert SCHEMAS[schema]["additionalProperties"] is False


def test_the_document_is_served_to_anyone_and_loads_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert json.loads(answer.content) == DOCUMENT
    assert "http" not in answer.content.decode().replace("https://json-schema.org", "").replace('"type": "http"', "")
    assert client.get("/api/v1/docs").status_code == 404


def test_every_route_says_what_it_does_who_may_and_how_it_refuses() -> None:
    named = {operation.view_func.__name__: actions_of(operation) for _, operation in operations()}
    described = [route for methods in DOCUMENT["paths"].values() for route in methods.values()]
    assert len(described) == len(named)
    for route in described:
        assert route["description"]
        assert route["security"] == [{"BearerToken": list(named[route["operationId"]])}]
        assert route["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problems")
        assert all(asked["name"] for asked in route["parameters"])


VALUES = st.none() | st.booleans() | st.integers(-5, 10**6) | st.sampled_from(["", "x", " Ab ", "1.5", "2026-01-31"])
FIELDS = st.sampled_from([field.name for field in DECLARATIONS.fields] + ["version", "other"])
CHANGES = st.dictionaries(FIELDS, VALUES | st.lists(VALUES, max_size=2) | st.just([{"base": 1}]), max_size=3)


@given(top=CHANGES, item=CHANGES)
def test_what_is_taken_is_as_described(top: dict[str, Any], item: dict[str, Any]) -> None:
    document = {**a_declaration(), **top}
    document["items"] = [{**ITEM, **item}]
    try:
        READS.declaration(read_json(json.dumps(document).encode()))
    except InputError:
        return
    assert not [error.message for error in DECLARATION.iter_errors(document)]
