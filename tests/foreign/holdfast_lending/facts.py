"""What can happen in the foreign app."""

from dataclasses import dataclass

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class ItemAdded(Fact):
    """A thing was added."""

    action = "lending.item.added"
    title = "Thing added"
