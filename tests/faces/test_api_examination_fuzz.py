"""Whatever an officer sends about examinations is answered: no failure, every refusal with its problems."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import LazySettings
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck
from hypothesis import settings as laws
from tests.examined import KEYS, POLICY, a_declaration, opened
from tests.office import NOON, a_token, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.assignments import assign_waiting
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

FUZZED = laws(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
TAGS = ["examination", "seizures", "exhibits", "overrides", "referrals", "integrity"]

schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application()).include(tag=TAGS)


@dataclass(frozen=True, slots=True)
class World:
    """An officer's token, and the numbers that are there to be met."""

    token: str
    act: str


@pytest.fixture
def world(settings: LazySettings, tmp_path: Path) -> Iterator[World]:
    """Put a service in place, with one officer who may do everything and has a scan to do."""
    calling.forget_tokens()
    settings.ATTACHMENTS = str(tmp_path / "files")
    use(Service(clock=lambda: NOON, policy=lambda: POLICY))
    everybody = an_officer(*Role, office="MAIN", clearance=9)
    opened(a_declaration("1", channel=Channel.ORANGE))
    opened(a_declaration("2", channel=Channel.BLUE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    token = a_token(officer=everybody.login)
    yield World(token, lot.subject)
    use(Service())
    calling.forget_tokens()


@schema.parametrize()
@FUZZED
@pytest.mark.usefixtures("kept_connection")
def test_whatever_an_officer_sends_is_answered(case: Any, world: World) -> None:
    if "act_id" in case.path_parameters:
        case.path_parameters["act_id"] = world.act
    if "number" in case.path_parameters:
        case.path_parameters["number"] = 1
    response = case.call(headers={"Authorization": f"Bearer {world.token}"})
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert all(one["message"] for one in response.json()["problems"])
