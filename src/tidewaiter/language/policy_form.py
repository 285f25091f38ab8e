"""A routing policy as text: written, it reads back as the same policy; its digest names its content."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from tidewaiter.core.cargo import CargoPolicy
from tidewaiter.core.channel import Channel
from tidewaiter.core.json_form import Json
from tidewaiter.core.policy import MandatoryControl, OfficePolicy, Policy, Shift, TrustedTrader
from tidewaiter.language.text import text, text_in_lines
from tidewaiter.language.write import Bare, yaml_text


def write_policy(policy: Policy) -> str:
    """Return the policy as YAML, which `read_policy_text` reads back as an equal one; every part is written out."""
    content = policy_content(policy)
    content["mandatory"] = [
        {**written, "condition": text_in_lines(control.condition)}
        for written, control in zip(content["mandatory"], policy.mandatory, strict=True)
    ]
    return yaml_text({key: _bare(value) for key, value in content.items()})


def policy_digest(policy: Policy) -> str:
    """Return the SHA-256 (hexadecimal) of the whole policy; equal policies have the same."""
    content = json.dumps(policy_content(policy), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def policy_content(policy: Policy) -> Json:
    """Return the policy as plain keys and values, as they stand in its file; what JSON takes."""
    return {
        "policy": policy.name,
        "version": policy.version,
        "random": {
            "share": policy.random_share,
            "channel": str(policy.random_channel),
            "offices": _sorted(policy.random_share_by_office),
        },
        "mandatory": [_control(control) for control in policy.mandatory],
        "trusted_traders": {name: _trusted(policy.trusted_traders[name]) for name in sorted(policy.trusted_traders)},
        "checklists": {channel: list(lines) for channel, lines in _by_channel(policy.checklists).items()},
        "minutes": _by_channel(policy.minutes),
        "offices": {code: _office(policy.offices[code]) for code in sorted(policy.offices)},
        "expected": _by_channel(policy.expected_rates),
        "exploration": {
            "share": policy.exploration.share,
            "channel": str(policy.exploration.channel),
            "highest_top_up": policy.exploration.highest_top_up,
        },
        "lookouts": {
            **{str(action): str(channel) for action, channel in sorted(policy.lookouts.channels.items())},
            "possible": str(policy.lookouts.possible),
        },
        "agency_holds": {
            "channel": str(policy.agency_holds.channel),
            "agencies": {name: str(channel) for name, channel in sorted(policy.agency_holds.agencies.items())},
        },
        "yellow_expires_after_days": policy.yellow_expires_after_days,
        "green_delay": (
            None if policy.green_delay is None else {"least": policy.green_delay.least, "most": policy.green_delay.most}
        ),
        "overrides": {"second_person_from": str(policy.second_person_from)},
        "re_examined": {"share": policy.re_examined_share},
        "documents": {"inherited_days": policy.document_mark_days},
        "containers": {"inherited_days": policy.container_mark_days},
        "cargo": _cargo(policy.cargo),
    }


def _control(control: MandatoryControl) -> Json:
    return {
        "code": control.code,
        "condition": text(control.condition),
        "channel": str(control.treatment.channel),
        "controls": list(control.treatment.controls),
        "instruction": control.instruction,
        "legal_basis": control.legal_basis,
    }


def _trusted(trusted: TrustedTrader) -> Json:
    share = {} if trusted.random_share is None else {"random_share": trusted.random_share}
    return {
        "profile_factor": trusted.profile_factor,
        **share,
        "offices": list(trusted.offices),
        "risk_areas": list(trusted.risk_areas),
    }


def _office(office: OfficePolicy) -> Json:
    return {
        "reserved_minutes": office.reserved_minutes,
        "shifts": [_shift(shift) for shift in office.shifts],
        "expected": _by_channel(office.expected_rates),
    }


def _shift(shift: Shift) -> Json:
    times = {"from": f"{shift.starts:%H:%M}", "to": f"{shift.ends:%H:%M}"}
    return {"name": shift.name, **times, "minutes": shift.minutes}


def _cargo(cargo: CargoPolicy) -> Json:
    return {
        "required": list(cargo.required),
        "placeholders": list(cargo.placeholders),
        "by_channel": {channel: str(outcome) for channel, outcome in _by_channel(cargo.by_channel).items()},
        "by_action": {str(action): str(outcome) for action, outcome in sorted(cargo.by_action.items())},
        "possible": str(cargo.possible),
        "random_share": cargo.random_share,
    }


def _by_channel[V](values: Mapping[Channel, V]) -> dict[str, V]:
    return {str(channel): values[channel] for channel in reversed(Channel) if channel in values}


def _sorted[V](values: Mapping[str, V]) -> dict[str, V]:
    return {key: values[key] for key in sorted(values)}


def _bare(value: object) -> object:
    """Return numbers so that YAML writes them plainly; shares without an exponent."""
    match value:
        case dict():
            return {key: _bare(held) for key, held in value.items()}
        case list():
            return [_bare(held) for held in value]
        case float():
            return Bare(format(Decimal(repr(value)), "f"))
        case _:
            return value
