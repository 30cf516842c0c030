"""HTTP: how operations are declared, and how each request becomes one unit of work."""

from holdfast.kernel.http.boundary import Boundary, Limits, WorkRoute, explain, make_route, request_info
from holdfast.kernel.http.routes import (
    Declared,
    GateDep,
    IfMatch,
    Routes,
    WorkDep,
    created,
    json_bytes,
    prepared,
    reply,
)

__all__ = [
    "Boundary",
    "Declared",
    "GateDep",
    "IfMatch",
    "Limits",
    "Routes",
    "WorkDep",
    "WorkRoute",
    "created",
    "explain",
    "json_bytes",
    "make_route",
    "prepared",
    "reply",
    "request_info",
]
