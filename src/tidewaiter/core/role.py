"""The roles an officer may hold. What each may do is the table actions/rights.csv."""

from enum import StrEnum


class Role(StrEnum):
    """A role; an officer may hold several."""

    ANALYST = "analyst"
    INTELLIGENCE_OFFICER = "intelligence officer"
    PROFILE_AUTHOR = "profile author"
    RISK_MANAGER = "risk manager"
    EXAMINER = "examiner"
    POST_CLEARANCE_AUDITOR = "post-clearance auditor"
    MANAGER = "manager"
    INSPECTORATE = "inspectorate"
    PRIVACY_OFFICER = "privacy officer"
    PARTNER_AGENCY_READER = "partner-agency reader"
    FACILITATOR = "facilitator"
    ADMINISTRATOR = "administrator"


CLIENT = "client"
"""The column of the rights table for client systems: what a token's scope may allow, never more."""

SYSTEM = "system"
"""The column of the rights table for the service's own schedule."""
