"""The API for tests: a token, a document, and a Decider that gives everything green without keeping it."""

import json
from collections.abc import Sequence
from concurrent.futures import Future
from copy import deepcopy
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.decisions.deciding import Answer, Lodged

ITEM: dict[str, Any] = {
    "item_number": 1,
    "hs_code": "640399",
    "tariff_edition": 2022,
    "description": "Men's leather shoes with rubber soles",
    "origin": "VN",
    "departure": "VN",
    "net_mass": 123.5,
    "gross_mass": 130.25,
    "quantity": 100,
    "quantity_unit": "PR",
    "packages": 10,
    "invoice_value": 12345.67,
    "invoice_currency": "USD",
    "exchange_rate": 1.08123456,
    "customs_value": 13456.78,
    "containers": ["MSCU1234566"],
    "tax_lines": [{"type": "A00", "base": 13456.78, "rate": 8.0, "amount": 1076.54}],
}
TOP: dict[str, Any] = {
    "declaration_id": "26TS0001",
    "lodged_at": "2026-03-02T10:00:00Z",
    "flow": "import",
    "office": "MAIN",
    "declarant_code": "D1",
    "importer_code": "I1",
    "importer_name": "Importer Ltd",
    "previous_document": "BL123",
}


def a_declaration(items: int = 1, **top: Any) -> dict[str, Any]:
    """Return a document that can be decided."""
    listed = [{**deepcopy(ITEM), "item_number": number + 1} for number in range(items)]
    return {**TOP, "items": listed, **top}


class Greens:
    """Answers everything green at once; nothing is kept but the content by number and version, to tell repeats."""

    def __init__(self) -> None:
        self.waiting = 0
        self.group_sizes: list[int] = [1]
        self.reasons: list[str] = []
        self.held: dict[tuple[str, int], str] = {}

    def ready(self) -> list[str]:
        return self.reasons

    def submit(self, lodged: Sequence[Lodged], by: Actor) -> Future[list[Answer]]:
        future: Future[list[Answer]] = Future()
        if self.reasons:
            future.set_exception(RuntimeError(self.reasons[0]))
        else:
            future.set_result([self._answer(one) for one in lodged])
        return future

    def _answer(self, one: Lodged) -> Answer:
        number, version = one.declaration_id, one.version or 1
        content = repr(one.rows)
        before = self.held.setdefault((number, version), content)
        if before != content:
            return Answer(status="conflict", declaration_id=number, problem="lodged with other content")
        told = {
            "decision_id": "D1",
            "declaration_id": number,
            "version": version,
            "decided_at": "2026-03-02T10:00:00.000+00:00",
            "channel": "green",
            "treatments": [],
            "items": [{"item_number": row["item_number"], "instructions": []} for row in one.rows],
            "delay_minutes": 0,
        }
        status = "repeated" if before is not content else "decided"
        return Answer(
            status=status,
            declaration_id=number,
            text=json.dumps(told),
            current_channel="green",
            current_decision="D1",
        )


def post(client: Client, address: str, document: object, token: str = "") -> HttpResponse:
    """Send a document (bytes as they are) and return the answer."""
    body = document if isinstance(document, bytes | str) else json.dumps(document)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.post(f"/api/v1{address}", data=body, content_type="application/json", headers=headers)  # type: ignore[return-value]


def problems_of(response: HttpResponse) -> dict[str | None, str]:
    """Return the problems of a refusal by place."""
    return {one["place"]: one["message"] for one in json.loads(response.content)["problems"]}
