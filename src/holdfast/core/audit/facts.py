"""What the trail says of itself."""

from dataclasses import dataclass
from uuid import UUID

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class RefusalsRepeated(Fact):
    """The refusal of `first_entry` came again `repeats` times within its minute."""

    action = "audit.refusal.repeated"
    title = "Refusal repeated"
    category = "access"
    severity = "warning"
    outcome = "refused"
    first_entry: UUID
    repeats: int
