"""What can happen to the keys of an organisation."""

from dataclasses import dataclass

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class TenantKeyMade(Fact):
    """An organisation was given a key, with which its sealed fields are written from then on."""

    action = "platform.tenant_key.made"
    title = "Encryption key made"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class TenantKeyWrapped(Fact):
    """A key was wrapped by another master key; what it seals stays as it is."""

    action = "platform.tenant_key.wrapped"
    title = "Encryption key wrapped by another master key"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class TenantKeyEnded(Fact):
    """A key was removed for good, once all that it had sealed was sealed with a newer one."""

    action = "platform.tenant_key.ended"
    title = "Encryption key ended"
    category = "security"
    severity = "notice"
    resealed: int
