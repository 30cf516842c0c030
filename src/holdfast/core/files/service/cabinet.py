"""What every process has for files: the storage, the antivirus, and the rules of all apps."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from holdfast.core.files import guards
from holdfast.core.files.service.scanning import Scanner
from holdfast.kernel.errors import ConfigurationError, Forbidden, Invalid
from holdfast.kernel.permissions import Actor
from holdfast.kernel.plugins import App, FileRule
from holdfast.kernel.settings import Settings
from holdfast.kernel.storage import Storage, key_of
from holdfast.kernel.storage.local import LocalStorage
from holdfast.kernel.storage.s3 import open_s3
from holdfast.kernel.work import Work, Works


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The storage, the antivirus if there is one, and the rules by name; `main` puts it into the house."""

    storage: Storage
    scanner: Scanner | None
    rules: dict[str, FileRule]

    @classmethod
    def open(cls, settings: Settings, apps: Iterable[App]) -> "Cabinet":
        """Return what the settings describe; raise ConfigurationError naming the setting that lacks something."""
        scanner = None if settings.scan_policy == "off" or not settings.clamd else Scanner.of(settings)
        if settings.scan_policy == "required" and scanner is None:
            raise ConfigurationError("SCAN_POLICY=required needs CLAMD: the address of the antivirus.")
        return cls(_storage(settings), scanner, {rule.name: rule for app in apps for rule in app.file_rules})

    def rule(self, name: str) -> FileRule:
        """Return a rule; raise Invalid for one that no app declares."""
        found = self.rules.get(name)
        if found is None:
            raise Invalid.field("body.rule", "unknown", f"must be one of {', '.join(sorted(self.rules))}")
        return found

    def rule_of(self, name: str) -> FileRule:
        """Return the rule of a file that is there; of an app that is gone it asks for a scan and lets nobody read."""
        return self.rules.get(name) or FileRule(name, name, scan="required", sensitive=True, read=name, write=name)

    def readable(self, actor: Actor) -> tuple[str, ...]:
        """Return the names of the rules whose files an actor may read."""
        return tuple(name for name, rule in sorted(self.rules.items()) if guards.can_read(actor, rule))

    def require_write(self, actor: Actor, rule: FileRule) -> None:
        """Raise Forbidden for who may not put or change files of a rule."""
        if rule.write is not None and not actor.may(rule.write):
            raise Forbidden(f"The permission {rule.write} is needed for “{rule.title}”.")


SLOT = "files"


def cabinet_of(house: Works | Work) -> Cabinet:
    """Return this process's cabinet."""
    found = (house.house if isinstance(house, Work) else house).state[SLOT]
    assert isinstance(found, Cabinet)
    return found


def parts_of(tenant_id: UUID, object_id: UUID) -> tuple[str, ...]:
    """Return the addresses of a content and of all that is made of it."""
    return tuple(key_of(tenant_id, object_id, part) for part in ("", "thumb", "text"))


def _storage(settings: Settings) -> Storage:
    if settings.storage == "s3":
        return open_s3(settings)
    return LocalStorage(settings.holdfast_home.absolute() / "files")
