"""Profiles, lists, lookouts and the rest over the API: the whole way, and nothing told to who may not see it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from tests.dossier import a_decision, an_active_profile, dossier, in_force_text
from tests.office import NOON, a_token, an_office, an_officer

from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.routes import operations
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Classification, Lookout, LookoutMatch

pytestmark = pytest.mark.django_db

WEEK_LATER = "2026-03-09T12:00:00Z"
COVERT_VALUE = "ZZZU7777777"
LOOKOUT = {
    "kind": "container",
    "action": "examine",
    "reason": "a report of last night",
    "contact": "+00 555 0100",
    "values": ["MSCU6639870"],
    "instruction": "open the container",
    "expires_at": WEEK_LATER,
}


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(clock=lambda: NOON))
    yield
    use(Service())
    calling.forget_tokens()


class Caller:
    """An officer at the API."""

    def __init__(self, *roles: Role, clearance: int = 0, office: str | None = None) -> None:
        self.officer = an_officer(*roles, clearance=clearance, office=office)
        self.token = a_token(officer=self.officer.login)
        self.client = Client()

    def send(self, method: str, address: str, document: object = None) -> tuple[int, Any]:
        """Call a route and return status and answer."""
        body = b"" if document is None else json.dumps(document).encode()
        answer = self.client.generic(
            method,
            f"/api/v1{address}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        return answer.status_code, json.loads(answer.content)

    def get(self, address: str) -> Any:
        """Return an answer that is there."""
        status, answer = self.send("GET", address)
        assert status == 200, answer
        return answer

    def post(self, address: str, **document: object) -> Any:
        """Return the answer to what is done."""
        status, answer = self.send("POST", address, document)
        assert status in (200, 201), answer
        return answer


def test_a_profile_goes_from_draft_to_active_over_the_api() -> None:
    author, analyst, manager = Caller(Role.PROFILE_AUTHOR), Caller(Role.ANALYST), Caller(Role.RISK_MANAGER)
    one = "/profiles/FW-1/versions/1"
    assert author.post("/profiles", text=dossier())["status"] == "draft"
    assert author.post(f"{one}/test")["report"]["passed"]
    author.post(f"{one}/submit")
    analyst.post(f"{one}/review", recommendation="approve", comment="sound")
    manager.post(f"{one}/approve")
    assert manager.post(f"{one}/activate", reason="agreed")["status"] == "active"
    steps = [step["after"] for step in analyst.get(one)["steps"]]
    assert steps == ["draft", "tested", "in review", "in review", "approved", "active"]
    assert [row["code"] for row in analyst.get("/profiles?status=active")["entries"]] == ["FW-1"]


def test_a_code_with_a_slash_can_be_named() -> None:
    author = Caller(Role.PROFILE_AUTHOR)
    author.post("/profiles", text=dossier("FW/1"))
    assert author.get("/profiles/FW/1/versions/1")["code"] == "FW/1"


def test_submitting_what_is_incomplete_names_all_that_lacks() -> None:
    author = Caller(Role.PROFILE_AUTHOR)
    author.post("/profiles", text="code: FW-1\ncondition: net_mass > 1\n")
    author.post("/profiles/FW-1/versions/1/test")
    status, answer = author.send("POST", "/profiles/FW-1/versions/1/submit", {})
    assert status == 422
    assert "rationale" in answer["problems"][0]["message"]


def test_the_rationale_above_the_clearance_is_left_out() -> None:
    Classification.objects.create(rank=2, code="SECRET", label="Secret")
    an_active_profile(dossier(), rank=2)
    low, high = Caller(Role.ANALYST, clearance=1), Caller(Role.ANALYST, clearance=2)
    assert "A source named the importer" in json.dumps(high.get("/profiles/FW-1/versions/1"))
    outline = low.get("/profiles/FW-1/versions/1")
    assert (outline["text"], outline["steps"], outline["status"]) == (None, [], "active")
    assert "A source named the importer" not in json.dumps([outline, low.get("/profiles")])


def test_a_list_edit_says_whether_it_acted_at_once() -> None:
    in_force_text("list", "watched", "list: watched\nentries: [I1, I2]\n")
    an_active_profile(dossier(condition="in_list(importer_code, 'watched')"))
    a_decision("D1", facts=[{"importer_code": "I1"}], fired=[("profile", "FW-1", Channel.RED)])
    analyst, manager = Caller(Role.ANALYST), Caller(Role.RISK_MANAGER)
    preview = analyst.post("/lists/watched/edits/preview", remove=["I1"])
    assert (preview["direction"], preview["effect"]["selections"]["declarations"]) == ("lowers", ["D1"])
    assert analyst.post("/lists/watched/edits", add=[{"value": "I7"}], reason="report 7")["state"] == "in force"
    waiting = analyst.post("/lists/watched/edits", remove=["I1"], reason="cleared")
    assert waiting["state"] == "proposed"
    assert [row["number"] for row in manager.get("/lists?waiting=true")["entries"]] == [waiting["number"]]
    manager.post(f"/lists/watched/versions/{waiting['number']}/approve")
    assert "I1" not in manager.get("/lists/watched")["entries"][-1]["text"]


def test_a_policy_is_proposed_by_one_and_approved_by_another() -> None:
    manager, risk = Caller(Role.MANAGER), Caller(Role.RISK_MANAGER)
    number = manager.get("/policy")["next_version"]
    text = f"policy: n\nversion: {number}\nrandom: {{share: 0.03}}\ntrusted_traders:\n  aeo: {{profile_factor: 0.5}}\n"
    manager.post("/policy/versions", text=text, reason="committee")
    risk.post(f"/policy/versions/{number}/approve")
    assert manager.get("/policy")["number"] == number
    grant = {"kind": "aeo", "scope": "both", "valid_from": "2026-01-01", "reason": "audit"}
    proposed = Caller(Role.FACILITATOR).post("/traders/I1/grant", **grant)
    assert risk.post(f"/traders/I1/proposals/{proposed['number']}/approve")["counts"]
    assert not risk.post("/traders/I1/suspend", reason="seizure")["counts"]


def test_a_manager_sees_what_was_cut_without_profile_codes() -> None:
    an_office("MAIN")
    hit = a_decision("D1", facts=[], fired=[("profile", "FW-1", Channel.RED)], within_capacity=False)
    manager, risk = Caller(Role.MANAGER, office="MAIN"), Caller(Role.RISK_MANAGER)
    manager.post(f"/capacity/{hit.pk}/waive", reason="no officer")
    seen = manager.get("/capacity/cut")
    assert (seen["beyond"], seen["waived"], seen["by_profile"]) == (1, 1, None)
    assert "FW-1" not in json.dumps([seen, manager.get("/capacity/beyond")])
    assert risk.get("/capacity/cut")["by_profile"][0]["code"] == "FW-1"


def test_a_token_is_answered_once_and_confirmed_by_another() -> None:
    root, inspector = Caller(Role.ADMINISTRATOR), Caller(Role.INSPECTORATE)
    root.post("/clients", name="clearance")
    issued = root.post("/tokens", label="c", client="clearance", scopes=["decision.take"])
    assert issued["token"].startswith("tw_")
    assert issued["token"] not in json.dumps(inspector.get("/tokens"))
    assert root.send("POST", f"/tokens/{issued['number']}/confirm")[0] == 403
    good = inspector.post(f"/tokens/{issued['number']}/confirm")
    assert (good["state"], good["issued_by"]) == ("good", root.officer.login)
    assert good["decided_by"] == inspector.officer.login
    assert root.post(f"/tokens/{issued['number']}/revoke")["revoked_at"] is not None


def everything_read_by(reader: Caller) -> list[object]:
    """Return every answer that the reader gets to reading anything here."""
    subjects = ("/profiles", "/lists", "/lookouts", "/traders", "/policy", "/capacity", "/indicators", "/offices")
    paths = [
        path for path, one in operations() if "GET" in one.methods and path.startswith(subjects) and "{" not in path
    ]
    assert len(paths) > 10
    return [reader.send("GET", path) for path in paths] + [
        reader.send("GET", "/lookouts?limit=1"),
        reader.send("GET", "/lookouts?unacknowledged_by=MAIN"),
    ]


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.INTELLIGENCE_OFFICER, Role.RISK_MANAGER, Role.INSPECTORATE)]
)
def test_a_covert_lookout_changes_no_answer_to_who_may_not_know_of_it(role: Role) -> None:
    Classification.objects.create(rank=1, code="OFFICIAL", label="Official")
    reader, officer = Caller(role, clearance=9, office="MAIN"), Caller(Role.INTELLIGENCE_OFFICER, clearance=1)
    officer.post("/lookouts", **LOOKOUT)
    before = everything_read_by(reader)
    covert = {**LOOKOUT, "action": "monitor", "instruction": "", "values": [COVERT_VALUE], "rank": 1}
    reference = officer.post("/lookouts", **covert)["reference"]
    match = LookoutMatch.objects.create(
        lookout=Lookout.objects.get(reference=reference),
        declaration_id="D1",
        version=1,
        certainty="possible",
        value=COVERT_VALUE,
        met_at=NOON,
    )
    assert everything_read_by(reader) == before
    steps: dict[str, dict[str, object]] = {
        "/acknowledge": {},
        "/extend": {"expires_at": WEEK_LATER, "reason": "r"},
        "/shorten": {"expires_at": WEEK_LATER, "reason": "r"},
        "/end": {"outcome": "o"},
        "/end/confirm": {"agreed": True},
    }
    for step, document in steps.items():
        hidden = reader.send("POST", f"/lookouts/{reference}{step}", document)
        assert hidden == reader.send("POST", f"/lookouts/LO-NEVERWAS22{step}", document)
    assert reader.send("GET", f"/lookouts/{reference}") == reader.send("GET", "/lookouts/LO-NEVERWAS22")
    settled = {"confirmed": True, "reason": "r"}
    hidden = reader.send("POST", f"/lookouts/matches/{match.reference}/settle", settled)
    assert hidden == reader.send("POST", "/lookouts/matches/LM-NEVERWAS22/settle", settled)


def test_an_examiner_is_told_what_to_do_and_not_why() -> None:
    Caller(Role.INTELLIGENCE_OFFICER).post("/lookouts", **LOOKOUT)
    (seen,) = Caller(Role.EXAMINER, office="MAIN").get("/lookouts")["entries"]
    assert (seen["instruction"], seen["reason"]) == ("open the container", None)
    assert Caller(Role.EXAMINER, office="MAIN").send("GET", "/profiles")[0] == 403
