"""The errors a caller may meet, one class a situation.

HoldfastError
├── BadRequest            400  the request cannot be read
├── Unauthenticated       401  no credential, or one that is no longer good
├── Forbidden             403  known caller, missing right            (recorded)
├── NotFound              404  absent, or another tenant's
├── MethodNotAllowed      405
├── NotAcceptable         406
├── Conflict              409  the present state does not allow it
│   ├── UniqueViolation   409  the value is taken
│   └── StillReferenced   409  something else points here
├── PreconditionFailed    412  If-Match names an older version
├── ContentTooLarge       413
├── UriTooLong            414
├── UnsupportedMediaType  415
├── Invalid               422  the request can be read but not accepted
├── PreconditionRequired  428  a guarded record needs If-Match
├── RateLimited           429
├── HeadersTooLarge       431
├── Unavailable           503  a needed part is out of reach; try again
│   └── ReadOnly          503  maintenance: reading goes on
└── ConfigurationError     –   the start or a command is refused
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the input: where it is, what kind it is (in small letters), and what to do."""

    location: str
    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return the member of a problem's `errors` list."""
        return {"location": self.location, "code": self.code, "message": self.message}


class HoldfastError(Exception):
    """Base of every error that may reach a caller; `refusal` ones are written to the trail."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    title: ClassVar[str] = "Internal error"
    refusal: ClassVar[bool] = False
    most_faults: ClassVar[int] = 50  # how many of `errors` a caller is shown

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class BadRequest(HoldfastError):
    """The request cannot be read."""

    status, code, title = 400, "BAD_REQUEST", "Bad request"


class Unauthenticated(HoldfastError):
    """No credential was given, or the one given is not or no longer good."""

    status, code, title = 401, "UNAUTHENTICATED", "Sign in first"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(HoldfastError):
    """The caller is known and may not do this."""

    status, code, title = 403, "FORBIDDEN", "Not permitted"
    refusal = True


class NotInPerson(Forbidden):
    """What only the user in person may do was tried in their place."""

    code, title = "NOT_IN_PERSON", "Only in person"

    def __init__(self) -> None:
        super().__init__("Only the user in person may do this, not an operator or somebody who acts in their place.")


class StepUpRequired(Forbidden):
    """The password or second factor was not shown lately; asking for it again is no refusal (RFC 9470)."""

    code, title, refusal = "STEP_UP_REQUIRED", "Confirm that it is you", False

    def __init__(self) -> None:
        super().__init__("Confirm that it is you with POST /api/v1/auth/step-up; that holds for ten minutes.")
        challenge = 'Bearer error="insufficient_user_authentication", max_age="600"'
        self.headers["WWW-Authenticate"] = challenge


class NotFound(HoldfastError):
    """There is no such thing, or it belongs to another tenant."""

    status, code, title = 404, "NOT_FOUND", "Not found"


class MethodNotAllowed(HoldfastError):
    """The path exists, the method does not."""

    status, code, title = 405, "METHOD_NOT_ALLOWED", "Method not allowed"


class NotAcceptable(HoldfastError):
    """No representation that the caller accepts exists."""

    status, code, title = 406, "NOT_ACCEPTABLE", "Not acceptable"


class Conflict(HoldfastError):
    """The present state does not allow it."""

    status, code, title = 409, "CONFLICT", "Conflict with the present state"


class UniqueViolation(Conflict):
    """A value that must be unique is taken."""

    code, title = "ALREADY_EXISTS", "Already exists"


class StillReferenced(Conflict):
    """Something else still points at the record."""

    code, title = "STILL_REFERENCED", "Still in use"


class PreconditionFailed(HoldfastError):
    """The record changed since the version that If-Match names."""

    status, code, title = 412, "VERSION_CHANGED", "Changed meanwhile"


class ContentTooLarge(HoldfastError):
    """The body is larger than this installation takes."""

    status, code, title = 413, "CONTENT_TOO_LARGE", "Content too large"


class UriTooLong(HoldfastError):
    """The address of the request is longer than this installation reads."""

    status, code, title = 414, "URI_TOO_LONG", "Address too long"


class UnsupportedMediaType(HoldfastError):
    """The body is of a type that this resource does not take."""

    status, code, title = 415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type"

    @classmethod
    def of(cls, *kinds: str) -> Self:
        """Return the error that names the types that are taken."""
        message = f"must be {' or '.join(kinds)}"
        where = "header.Content-Type"
        return cls(f"{where}: {message}", errors=(FieldError(where, "unsupported", message),))


class Invalid(HoldfastError):
    """The request can be read but its values cannot be accepted."""

    status, code, title = 422, "INVALID", "Invalid input"

    @classmethod
    def field(cls, location: str, code: str, message: str) -> "Invalid":
        """Return the error for one field; `location` is e.g. `body.name` or `query.sort`."""
        return cls(f"{location}: {message}", errors=(FieldError(location, code, message),))


class PreconditionRequired(HoldfastError):
    """A guarded record can only be changed with If-Match."""

    status, code, title = 428, "PRECONDITION_REQUIRED", "If-Match required"


class RateLimited(HoldfastError):
    """Too many requests of one kind in a short time."""

    status, code, title = 429, "RATE_LIMITED", "Too many requests"


class HeadersTooLarge(HoldfastError):
    """The request has more header fields, or larger ones, than this installation reads."""

    status, code, title = 431, "HEADERS_TOO_LARGE", "Request header fields too large"


class Unavailable(HoldfastError):
    """A part that the answer needs is out of reach for now."""

    status, code, title = 503, "UNAVAILABLE", "Temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class ReadOnly(Unavailable):
    """The installation takes no changes for now; signing in and reading go on (READ_ONLY)."""

    code, title = "READ_ONLY", "Read-only for now"

    def __init__(self) -> None:
        super().__init__("The installation takes no changes for now: it is being maintained.", retry_after=60)


class ConfigurationError(HoldfastError):
    """The installation is set up in a way that the start or a command refuses."""

    code, title = "CONFIGURATION", "Configuration refused"
