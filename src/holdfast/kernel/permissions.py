"""Who acts, what may be done, and the decorator that refuses the rest: `@verb("directory.company.create")`."""

import functools
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar
from uuid import UUID

from holdfast.kernel.errors import Forbidden, HoldfastError, Unauthenticated

P = ParamSpec("P")
R = TypeVar("R")

Access = Literal["permission", "signed_in", "public"]
_NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}$")


@dataclass(frozen=True, slots=True)
class Permission:
    """One right, `slice.resource.action`, and the built-in roles that hold it."""

    name: str
    title: str
    roles: tuple[str, ...] = ("Admin",)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"permission {self.name!r} is not of the form slice.resource.action")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in one unit of work, as the credential's row said when it began."""

    kind: Literal["anonymous", "user", "system"]
    id: UUID | None = None
    session_id: UUID | None = None
    on_behalf_of: UUID | None = None
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        """Tell whether the actor holds the permission; the system itself holds every one."""
        return self.kind == "system" or permission in self.permissions


ANONYMOUS = Actor("anonymous")
SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Verb:
    """What a person can do: its name, which is also the permission, and where it stands in the code."""

    name: str
    access: Access
    writes: bool
    module: str
    function: str = field(compare=False)
    sensitive: bool = False

    @property
    def permission(self) -> str | None:
        """Return the permission that the verb asks for, None where being signed in, or nothing, is enough."""
        return self.name if self.access == "permission" else None


class HasActor(Protocol):
    """Anything that says who acts: a `Work`, or the gate through which the anonymous come."""

    @property
    def actor(self) -> Actor:
        """Return who acts."""
        ...


W = TypeVar("W", bound=HasActor)
Action = Callable[Concatenate[W, P], Coroutine[Any, Any, R]]
VERB = "__verb__"


def verb(
    name: str, *, access: Access = "permission", writes: bool = False, sensitive: bool = False
) -> Callable[[Action[W, P, R]], Action[W, P, R]]:
    """Make a service function a verb: whoever calls it, an actor without the permission `name` is refused.

    `access="signed_in"` asks only for a good credential, `access="public"` for nothing. `writes` says that the verb
    changes rows, so that its unit of work begins as a writing one; `sensitive` that a request which reads by it leaves
    an entry. Raises Forbidden or Unauthenticated when called.
    """
    if not _NAME.match(name):
        raise ValueError(f"verb {name!r} is not of the form slice.resource.action")

    def decorate(function: Action[W, P, R]) -> Action[W, P, R]:
        async def guarded(work: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if access != "public":
                authorise(work.actor, name if access == "permission" else None)
            return await function(work, *args, **kwargs)

        functools.update_wrapper(guarded, function)
        setattr(guarded, VERB, Verb(name, access, writes, function.__module__, function.__qualname__, sensitive))
        return guarded

    return decorate


def verb_of(function: object) -> Verb | None:
    """Return the verb that a function was declared to be, or None."""
    found = getattr(function, VERB, None)
    return found if isinstance(found, Verb) else None


Verdict = HoldfastError | None  # what a guard answers: None, or the error that says why not


def enforce(verdict: Verdict) -> None:
    """Raise the error that a guard answered with."""
    if verdict is not None:
        raise verdict


def authorise(actor: Actor, permission: str | None) -> None:
    """Raise Unauthenticated for an anonymous actor and Forbidden for one without the permission."""
    if actor.kind == "anonymous":
        raise Unauthenticated
    if permission is not None and not actor.may(permission):
        raise Forbidden(f"The permission {permission} is needed.")
