"""The list of companies."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import CompanyList
from holdfast.core.directory.schemas import CompanyCreate, CompanyOut
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=companies.list_companies, answers=Page[CompanyOut])
async def list_companies(work: WorkDep, params: Annotated[CompanyList, Query()]) -> Response:
    """List companies: search, filter, sort, page."""
    return json_bytes(await companies.list_companies(work, params))


@router.post(verb=companies.create_company, status=201)
async def create_company(work: WorkDep, body: CompanyCreate) -> CompanyOut:
    """Add a company; its code is unique in the organisation, whatever the case."""
    return CompanyOut.model_validate(await companies.create_company(work, body))
