"""A decision as JSON: whole, for storing, replay and cleared readers; and outward, for a clearance system."""

from collections.abc import Mapping
from typing import Any

from tidewaiter.core.cargo import CargoAssessment
from tidewaiter.core.decision import Decision
from tidewaiter.core.json_form import Json, from_json, to_json


def decision_to_json(decision: Decision) -> Json:
    """Return the whole decision; restricted: it names profiles, lookouts and probabilities."""
    return to_json(decision)


def decision_from_json(written: Mapping[str, Any]) -> Decision:
    """Return the decision that was written; equal to it. Raises InputError for anything else."""
    return from_json(Decision, written)


def assessment_to_json(assessment: CargoAssessment) -> Json:
    """Return the whole assessment of a consignment; restricted."""
    return to_json(assessment)


def assessment_from_json(written: Mapping[str, Any]) -> CargoAssessment:
    """Return the assessment that was written; equal to it. Raises InputError for anything else."""
    return from_json(CargoAssessment, written)


def outward_assessment(assessment: CargoAssessment) -> Json:
    """Return what a filer is told: the outcome and what to send; nothing restricted."""
    return {
        "consignment_id": assessment.consignment_id,
        "outcome": assessment.outcome.value,
        "requested": list(assessment.requested),
    }


def outward(decision: Decision) -> Json:
    """Return what a clearance system is told: channel, treatments, control instructions, delay; nothing restricted.

    Built from what it may hold, never by leaving out: no reason, code, probability, draw, lookout, capacity or earlier
    channel. Every item is there, in the same form for every reason.
    """
    return {
        "declaration_id": decision.declaration_id,
        "version": decision.version,
        "channel": decision.channel.value,
        "treatments": [
            {"channel": treatment.channel.value, "controls": list(treatment.controls)}
            for treatment in decision.treatments
        ],
        "items": [
            {"item_number": item.item_number, "instructions": list(item.instructions)} for item in decision.items
        ],
        "delay_minutes": decision.delay_minutes,
    }
