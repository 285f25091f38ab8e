"""Who may call which route: every route, with every role, with client tokens of every scope, and with none.

What is right stands in actions/rights.csv; a route declares its actions. A route of a new router is walked at once.
"""

import re
from collections.abc import Collection, Iterator
from itertools import chain

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver
from ninja.operation import Operation
from tests.api_world import Greens
from tests.office import NOON, a_client, a_token, an_officer

from tidewaiter.actions.administration import token_digest
from tidewaiter.actions.rights import rights
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.routes import actions_of, operations
from tidewaiter.faces.api.service import Service, use
from tidewaiter.faces.urls import urlpatterns
from tidewaiter.storage.records.models import AuditEvent, Officer, Token

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = {"api/v1/openapi.json", "health", "ready", "metrics"}
"""What stands outside the API: it tells nothing about trade, and metrics asks for this machine or a token."""

ROUTES = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, operation in operations()
    for method in operation.methods
]
EVERY_ROUTE = pytest.mark.parametrize(("path", "method", "operation"), ROUTES)


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(decider=Greens(), clock=lambda: NOON))
    yield
    use(Service())
    calling.forget_tokens()


def an_officers_token(*roles: Role, scopes: Collection[str] = ()) -> str:
    return a_token(officer=an_officer(*roles).login, scopes=scopes)


def each_role() -> dict[Role, str]:
    """Return the token of an officer of each role alone."""
    officers = [Officer(login=role.value, name=role.value, roles=[role.value]) for role in Role]
    texts = {role: f"tw_{role.value}" for role in Role}
    owners = zip(Officer.objects.bulk_create(officers), texts.values(), strict=True)
    Token.objects.bulk_create(
        Token(digest=token_digest(text), label="t", officer=one, scopes=[], made_at=NOON) for one, text in owners
    )
    return texts


def a_clients_token(*scopes: str) -> str:
    return a_token(client=a_client("clearance").name, scopes=scopes)


def call(client: Client, method: str, path: str, token: str | None) -> HttpResponse:
    """Call a route with values for what its address takes and an empty body."""
    address = re.sub(r"{[^}]+}", "1", f"/api/v1{path}")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.generic(method, address, content_type="application/json", headers=headers)  # type: ignore[return-value]


@EVERY_ROUTE
def test_a_route_declares_actions_that_the_table_of_rights_has(path: str, method: str, operation: Operation) -> None:
    assert actions_of(operation), f"{method} {path} says no action: give it auth=needs(...)"
    assert set(actions_of(operation)) <= rights().keys()


@EVERY_ROUTE
def test_a_role_gets_in_where_the_table_says_so(path: str, method: str, operation: Operation, client: Client) -> None:
    may = set(chain.from_iterable(rights()[action].roles for action in actions_of(operation)))
    refused = {role: call(client, method, path, token).status_code == 403 for role, token in each_role().items()}
    assert refused == {role: role not in may for role in Role}


@pytest.mark.slow
@EVERY_ROUTE
def test_without_a_role_or_a_token_nobody_gets_in(path: str, method: str, operation: Operation, client: Client) -> None:
    assert call(client, method, path, None).status_code == 401
    assert call(client, method, path, "tw_unknown").status_code == 401
    assert call(client, method, path, an_officers_token()).status_code == 403
    assert AuditEvent.objects.filter(action="refused").count() == 1


@pytest.mark.slow
@EVERY_ROUTE
def test_a_client_systems_token_gets_in_by_the_scopes_the_table_allows(
    path: str, method: str, operation: Operation, client: Client
) -> None:
    for action in actions_of(operation):
        answer = call(client, method, path, a_clients_token(action))
        assert (answer.status_code == 403) == (not rights()[action].client), action
    others = sorted(rights().keys() - set(actions_of(operation)))
    assert call(client, method, path, a_clients_token(*others)).status_code == 403
    assert call(client, method, path, a_clients_token()).status_code == 403


@pytest.mark.slow
@EVERY_ROUTE
def test_an_officers_token_allows_no_more_than_its_scopes(
    path: str, method: str, operation: Operation, client: Client
) -> None:
    others = sorted(rights().keys() - set(actions_of(operation)))
    narrow = an_officers_token(*Role, scopes=others)
    assert call(client, method, path, narrow).status_code == 403


def test_nothing_stands_outside_the_api_but_what_may() -> None:
    def walked(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
        for pattern in patterns:
            here = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walked(pattern.url_patterns, here)
            else:
                yield here

    ours = {re.sub(r"{(?:\w+:)?(\w+)}", r"<\1>", f"api/v1{path}") for path, _ in operations()}
    assert {re.sub(r"<\w+:", "<", found) for found in walked(urlpatterns)} - ours == OPEN_TO_ALL | {"api/v1/"}


def test_each_route_has_a_name_of_its_own() -> None:
    names = [operation.view_func.__name__ for _, operation in operations()]
    assert len(names) == len(set(names))
