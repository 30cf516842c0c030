"""Who acts, what may be done, and the decorator that refuses the rest: `@verb("directory.company.create")`."""

import functools
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar
from uuid import UUID

from holdfast.kernel.errors import Forbidden, HoldfastError, NotInPerson, StepUpRequired, Unauthenticated

P = ParamSpec("P")
R = TypeVar("R")

Access = Literal["permission", "signed_in", "public"]
FRESH = timedelta(minutes=10)  # how long what was shown of oneself is enough for a verb that asks for a step-up
_NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}$")


@dataclass(frozen=True, slots=True)
class Permission:
    """One right, `slice.resource.action`, and the built-in roles that hold it.

    A `platform` permission is the operators': it counts in their organisation only.
    """

    name: str
    title: str
    roles: tuple[str, ...] = ("Admin",)
    platform: bool = False

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"permission {self.name!r} is not of the form slice.resource.action")


Unit = tuple[str, UUID]  # a part of the organisation: its kind (company, branch, department, group) and its id


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in one unit of work, as the credential's row said when it began.

    `permissions` hold everywhere, `within` says in which units others do. An operator acts in an organisation that is
    not theirs; a user whom an `impersonator` shows is not who decides. `verified_at` is when a password or a second
    factor was last shown, None where it never can be.
    """

    kind: Literal["anonymous", "user", "operator", "system"]
    id: UUID | None = None
    session_id: UUID | None = None
    impersonator: UUID | None = None
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    within: Mapping[str, frozenset[Unit]] = field(default_factory=dict, hash=False)
    verified_at: datetime | None = None

    def may(self, permission: str) -> bool:
        """Tell whether the actor holds the permission everywhere; the system itself holds every one."""
        return self.kind == "system" or permission in self.permissions

    def units(self, permission: str) -> frozenset[Unit] | None:
        """Return the units in which the actor holds a permission, None where it holds everywhere."""
        return None if self.may(permission) else self.within.get(permission, frozenset())

    @property
    def watched(self) -> bool:
        """Tell whether everything that is read leaves an entry: someone acts in another's place."""
        return self.kind == "operator" or self.impersonator is not None


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
    scoped: bool = False
    personal: bool = False
    step_up: bool = False
    cost: int = 1

    @property
    def permission(self) -> str | None:
        """Return the permission that the verb asks for, None where being signed in, or nothing, is enough."""
        return self.name if self.access == "permission" else None

    def admit(self, actor: Actor, now: datetime) -> None:
        """Refuse who may not use the verb; `now` tells how long ago they showed who they are.

        Raises Unauthenticated, Forbidden or StepUpRequired.
        """
        if self.access == "public" or actor.kind == "system":
            return
        authorise(actor, self.permission, scoped=self.scoped)
        if self.personal and actor.watched:
            raise NotInPerson
        if self.step_up and (actor.verified_at is None or now - actor.verified_at > FRESH):
            raise StepUpRequired


class HasActor(Protocol):
    """Anything that says who acts: a `Work`, or the gate through which the anonymous come."""

    @property
    def actor(self) -> Actor:
        """Return who acts."""
        ...

    def now(self) -> datetime:
        """Return the moment at which they act."""
        ...


W = TypeVar("W", bound=HasActor)
Action = Callable[Concatenate[W, P], Coroutine[Any, Any, R]]
VERB = "__verb__"


def verb(
    name: str,
    *,
    access: Access = "permission",
    writes: bool = False,
    sensitive: bool = False,
    scoped: bool = False,
    personal: bool = False,
    step_up: bool = False,
    cost: int = 1,
) -> Callable[[Action[W, P, R]], Action[W, P, R]]:
    """Make a service function a verb: whoever calls it, an actor without the permission `name` is refused.

    `access="signed_in"` asks only for a good credential, `access="public"` for nothing. `writes` says that the verb
    changes rows, so that its unit of work begins as a writing one; `sensitive` that a request which reads by it leaves
    an entry; `scoped` that it keeps to the units of who holds the permission in some only, whom every other verb
    refuses; `personal` that nobody does it in another's place; `step_up` that the password or second factor was shown
    within ten minutes; `cost` as how many requests it counts against the rate limit. Raises what `Verb.admit` raises
    when called.
    """
    if not _NAME.match(name):
        raise ValueError(f"verb {name!r} is not of the form slice.resource.action")

    def decorate(function: Action[W, P, R]) -> Action[W, P, R]:
        where = (function.__module__, function.__qualname__)
        declared = Verb(name, access, writes, *where, sensitive, scoped, personal, step_up, cost)

        async def guarded(work: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if access != "public":
                declared.admit(work.actor, work.now())
            return await function(work, *args, **kwargs)

        functools.update_wrapper(guarded, function)
        setattr(guarded, VERB, declared)
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


def authorise(actor: Actor, permission: str | None, *, scoped: bool = False) -> None:
    """Raise Unauthenticated for an anonymous actor and Forbidden for one without the permission.

    To hold it in some units is enough only where `scoped` says that these are kept to.
    """
    if actor.kind == "anonymous":
        raise Unauthenticated
    if permission is None or actor.may(permission) or (scoped and permission in actor.within):
        return
    where = " in the whole organisation" if permission in actor.within else ""
    raise Forbidden(f"The permission {permission} is needed{where}.")
