"""Names a set of profiles, lists and policy by its content, so that a decision can say what it rests on."""

import hashlib
import json
from collections.abc import Mapping

from tidewaiter.core.condition import Condition
from tidewaiter.core.policy import Policy
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.language.policy_form import policy_content
from tidewaiter.language.text import text


def set_digest(
    profiles: Mapping[str, Profile],
    conditions: Mapping[str, Condition],
    mandatory: Mapping[str, Condition],
    policy: Policy,
) -> str:
    """Return the SHA-256 (hexadecimal) of all that can change a decision or its instructions.

    `conditions` (by profile code) and `mandatory` (by control code) are linked and resolved, so list entries in force
    are part of them. Neither the order of profiles nor the layout of their files matters.
    """
    content = {
        "profiles": {
            code: [
                profile.version,
                text(conditions[code]),
                [_treatment(treatment) for treatment in profile.treatments],
                profile.instruction,
            ]
            for code, profile in profiles.items()
        },
        "mandatory": {
            control.code: [text(mandatory[control.code]), _treatment(control.treatment), control.instruction]
            for control in policy.mandatory
        },
        "policy": {part: value for part, value in policy_content(policy).items() if part != "mandatory"},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _treatment(treatment: Treatment) -> list[object]:
    return [treatment.channel, treatment.probability, list(treatment.controls)]
