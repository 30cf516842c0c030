"""Encryption at rest: master keys wrap a key an organisation, which seals fields bound to their place.

A model declares `secret: Mapped[Sealed] = mapped_column(Encrypted(255), info=SECRET)`; a verb writes
`row.secret = (await work.keyring(sealing=True)).seal(Model.secret, row.id, "…")` and reads it with `open`.
"""

from holdfast.kernel.keys.columns import Encrypted, Sealed, TenantKey
from holdfast.kernel.keys.masters import MasterKeyMissing, Masters
from holdfast.kernel.keys.rings import OVERHEAD, Keyring, KeysEnded, SealBroken, TenantSecret, load_keyring

__all__ = [
    "OVERHEAD",
    "Encrypted",
    "Keyring",
    "KeysEnded",
    "MasterKeyMissing",
    "Masters",
    "SealBroken",
    "Sealed",
    "TenantKey",
    "TenantSecret",
    "load_keyring",
]
