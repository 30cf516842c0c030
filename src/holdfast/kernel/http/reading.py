"""What of a request is read, and refused, before anything else is done with it: its parameters, its body, its app."""

from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from starlette.requests import Request

from holdfast.kernel.errors import Invalid, NotFound, UnsupportedMediaType
from holdfast.kernel.errors.problems import parse_json
from holdfast.kernel.http.routes import JSON
from holdfast.kernel.work import Work

FORM = "application/x-www-form-urlencoded"
FORMS = (FORM, "multipart/form-data")
ANY = "*/*"


def taken(body: ModelField | None, *, anything: bool) -> str | None:
    """Return the type of the body that an operation takes, ANY where it reads it itself, None for none."""
    if body is None:
        return ANY if anything else None
    return FORM if isinstance(body.field_info, Form) else JSON


def has_query(part: Dependant) -> bool:
    """Tell whether an operation declares query parameters."""
    return bool(part.query_params) or any(has_query(each) for each in part.dependencies)


def check_query(request: Request, *, asks: bool) -> None:
    """Refuse parameters where the operation asks for none, and NUL characters, which no database keeps."""
    if not request.scope["query_string"]:
        return
    for name, value in request.query_params.multi_items():
        if not asks:
            raise Invalid.field(f"query.{name[:100]}", "extra_forbidden", "is not known here")
        if "\0" in name or "\0" in value:
            raise Invalid.field(f"query.{name[:100]}", "nul_character", "contains a NUL character")


async def read_body(request: Request, takes: str | None, *, max_depth: int) -> None:
    """Read the whole body before any transaction begins, and JSON strictly."""
    raw = await request.body()
    if not raw or takes == ANY:
        return
    if takes is None:
        raise Invalid.field("body", "unexpected", "is not taken here")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    as_json = kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))
    if not (as_json if takes == JSON else kind in FORMS):
        raise UnsupportedMediaType.of(takes)
    if as_json:
        request._json = parse_json(raw, max_depth=max_depth)  # noqa: SLF001  the one place where Starlette keeps a parsed body


async def check_switch(request: Request, work: Work) -> None:
    """Raise NotFound where the caller's organisation has switched off the app of the route, as for no route at all.

    What is off is noted for the menu of a page, and how much the caller has not read.
    """
    switch = getattr(request.scope.get("route"), "switch", None)
    if switch is None and request.scope["path"].startswith("/api/"):
        return
    off = request.state.switched_off = await work.house.switched_off(work)
    if switch in off:
        request.state.work = work  # the error is shown in the caller's shell
        raise NotFound
    request.state.unread = await work.house.teller.count_unread(work)
