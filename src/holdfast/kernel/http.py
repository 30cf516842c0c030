"""How endpoint files declare their routes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.permissions import Verb, verb_of

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """One operation of an endpoint file: the method, the function, and the verb it calls."""

    method: str
    function: Handler
    verb: Verb | None
    public: str | None
    status: int = 200
    answers: Any = None
    options: dict[str, Any] = field(default_factory=dict)


class Routes:
    """Collects the operations of one endpoint or page file; the path comes from where the file stands."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []

    def get(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare a reading operation."""
        return self._declare("GET", **how)

    def post(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that creates or does something."""
        return self._declare("POST", **how)

    def put(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that replaces all writable fields."""
        return self._declare("PUT", **how)

    def patch(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that changes some fields."""
        return self._declare("PATCH", **how)

    def delete(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that deletes."""
        return self._declare("DELETE", **how)

    def _declare(
        self,
        method: str,
        *,
        verb: Handler | None = None,
        public: str | None = None,
        status: int = 200,
        answers: Any = None,
        **options: Any,
    ) -> Callable[[Handler], Handler]:
        found = verb_of(verb) if verb is not None else None
        if verb is not None and found is None:
            raise ConfigurationError(f"{verb!r} is not a verb: it lacks @verb(…).")

        def decorate(function: Handler) -> Handler:
            self.declared.append(Declared(method, function, found, public, status, answers, options))
            return function

        return decorate
