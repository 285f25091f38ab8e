"""Replay when something of then is gone: a fact of the catalogue, or a lookout that was purged."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.packing import packed, unpacked
from tidewaiter.actions.profiles.publishing import catalogue_then, earlier_set
from tidewaiter.actions.retention import purging
from tidewaiter.core.errors import InputError, NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import CatalogueText, Decision, Lookout, PublishedSet

pytestmark = pytest.mark.django_db


def later() -> Catalogue:
    """Return the catalogue of a later version of the program, without the fact `net_mass`."""
    facts = {name: fact for name, fact in CATALOGUE.facts.items() if name != "net_mass"}
    return replace(CATALOGUE, version="later", facts=facts, text="")


def a_decision(folder: Path) -> Decision:
    """Return a decision by a set that asks for the fact."""
    a_profile("LIGHT-1", "net_mass < 50", probability=0.5)
    decide_group(published(history(folder / "lake")), KEYS, [(lodged("A"), SERVICE)], NOW)
    return Decision.objects.get()


def test_a_decision_by_a_fact_that_is_gone_replays_with_the_catalogue_of_then(tmp_path: Path) -> None:
    stored = a_decision(tmp_path)
    found = replay_decision(decision_id=stored.pk, lake=None, catalogue=later(), by=an_officer(Role.ANALYST), at=NOW)
    assert found.identical


def test_a_set_whose_catalogue_was_not_kept_names_the_fact_that_is_gone(tmp_path: Path) -> None:
    stored = a_decision(tmp_path)
    CatalogueText.objects.all().delete()
    found = replay_decision(decision_id=stored.pk, lake=None, catalogue=later(), by=an_officer(Role.ANALYST), at=NOW)
    assert not found.identical
    assert found.routing
    assert all(one.place == "set" for one in found.routing)
    assert any("net_mass" in str(one.now) for one in found.routing)


def test_a_set_of_before_is_read_with_the_latest_catalogue_that_knows_its_facts(tmp_path: Path) -> None:
    stored = a_decision(tmp_path)
    content, then = earlier_set(stored.set_id, later())
    assert (content.digest, then.version) == (stored.set_id, CATALOGUE.version)
    assert earlier_set(stored.set_id, CATALOGUE) == (content, CATALOGUE)
    CatalogueText.objects.all().delete()
    with pytest.raises(InputError, match="net_mass"):
        earlier_set(stored.set_id, later())


def test_a_catalogue_changed_behind_the_services_back_is_not_read(tmp_path: Path) -> None:
    a_decision(tmp_path)
    CatalogueText.objects.update(text=packed(CATALOGUE.text.replace("net_mass", "net_weight")))
    now = later()
    assert catalogue_then(CATALOGUE.version, now) is now
    CatalogueText.objects.update(text=b"no text")
    assert catalogue_then(CATALOGUE.version, now) is now


def test_a_set_is_named_by_its_text_alone_whatever_catalogue_is_kept_beside_it(tmp_path: Path) -> None:
    a_decision(tmp_path)
    stored = PublishedSet.objects.get()
    assert CatalogueText.objects.get().version == CATALOGUE.version
    assert hashlib.sha256(unpacked(stored.text).encode()).hexdigest() == stored.pk
    assert set(json.loads(unpacked(stored.text))) == {
        "format", "profiles", "indicators", "lists", "policy", "lookouts", "traders",
    }  # fmt: skip


@pytest.mark.parametrize("action", ["examine", "monitor"])
def test_a_lookout_purged_since_is_told_as_purged_where_it_mattered(tmp_path: Path, action: str) -> None:
    box = "MSCU1234566"
    Lookout.objects.create(
        reference="LO-1", kind="container", subject={"values": [box], "names": []}, action=action,
        covert=action == "monitor", reason="seen", contact="x", raised_by=an_officer(Role.RISK_MANAGER),
        raised_at=NOW, valid_from=NOW, expires_at=NOW + timedelta(days=3),
    )  # fmt: skip
    decide_group(published(history(tmp_path / "lake")), KEYS, [(lodged("A", containers=[box]), SERVICE)], NOW)
    one, two = an_officer(Role.PRIVACY_OFFICER), an_officer(Role.PRIVACY_OFFICER)
    Lookout.objects.update(state="ended", ended_at=NOW)
    purge = purging.make_purge(records=["lookout:LO-1"], reason="asked", by=one, at=NOW)
    purging.approve_purge(number=purge.pk, by=two, at=NOW)
    purging.apply_purge(number=purge.pk, by=one, at=NOW)
    number, analyst = Decision.objects.get().pk, an_officer(Role.ANALYST)
    if action == "monitor":
        assert replay_decision(decision_id=number, lake=None, catalogue=CATALOGUE, by=analyst, at=NOW).identical
    else:
        with pytest.raises(NotKnownError, match="not replayable: purged"):
            replay_decision(decision_id=number, lake=None, catalogue=CATALOGUE, by=analyst, at=NOW)
