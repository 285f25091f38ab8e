"""Every table of the records, one file a subject."""

from tidewaiter.storage.records.models.audit import AuditEvent, AuditSalt, ChainHead, LodgedHead
from tidewaiter.storage.records.models.decision import CapacityDecision, Decision, Load, Recall, Rise
from tidewaiter.storage.records.models.declaration import Consignment, Declaration, Event, Lodgement, Mark
from tidewaiter.storage.records.models.draw import Assignment, DrawDay, DrawIdentity, Duty, Reexamination
from tidewaiter.storage.records.models.examination import (
    Act,
    Attachment,
    Exhibit,
    HandOver,
    Override,
    Referral,
    Replacement,
    Result,
    Seizure,
)
from tidewaiter.storage.records.models.lookout import (
    Lookout,
    LookoutAcknowledgement,
    LookoutMatch,
    LookoutShortening,
)
from tidewaiter.storage.records.models.office import Office
from tidewaiter.storage.records.models.officer import Classification, ClientSystem, Grant, Officer, Token
from tidewaiter.storage.records.models.profile import (
    CatalogueText,
    ProfileStep,
    ProfileVersion,
    Proposal,
    Publication,
    PublishedSet,
)
from tidewaiter.storage.records.models.request import ControlRequest
from tidewaiter.storage.records.models.retention import Backup, LegalHold, Purge, RetentionRule, Tombstone
from tidewaiter.storage.records.models.trader import TrustedTrader

__all__ = [
    "Act",
    "Assignment",
    "Attachment",
    "AuditEvent",
    "AuditSalt",
    "Backup",
    "CapacityDecision",
    "CatalogueText",
    "ChainHead",
    "Classification",
    "ClientSystem",
    "Consignment",
    "ControlRequest",
    "Decision",
    "Declaration",
    "DrawDay",
    "DrawIdentity",
    "Duty",
    "Event",
    "Exhibit",
    "Grant",
    "HandOver",
    "LegalHold",
    "Load",
    "LodgedHead",
    "Lodgement",
    "Lookout",
    "LookoutAcknowledgement",
    "LookoutMatch",
    "LookoutShortening",
    "Mark",
    "Office",
    "Officer",
    "Override",
    "ProfileStep",
    "ProfileVersion",
    "Proposal",
    "Publication",
    "PublishedSet",
    "Purge",
    "Recall",
    "Reexamination",
    "Referral",
    "Replacement",
    "Result",
    "RetentionRule",
    "Rise",
    "Seizure",
    "Token",
    "Tombstone",
    "TrustedTrader",
]
