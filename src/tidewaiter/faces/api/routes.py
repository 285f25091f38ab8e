"""The API put together: every router in one table, errors as problems, the OpenAPI document."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache, wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import ValidationErrorContext
from ninja.operation import Operation
from ninja.parser import Parser

from tidewaiter import __version__
from tidewaiter.core.errors import InputError
from tidewaiter.faces.api.administration import router as administration
from tidewaiter.faces.api.agencies import router as agencies
from tidewaiter.faces.api.audit import router as audit
from tidewaiter.faces.api.calling import BearerToken
from tidewaiter.faces.api.capacity import router as capacity
from tidewaiter.faces.api.decisions import router as decisions
from tidewaiter.faces.api.exhibits import router as exhibits
from tidewaiter.faces.api.finding import Found
from tidewaiter.faces.api.goods import router as goods
from tidewaiter.faces.api.integrity import router as integrity
from tidewaiter.faces.api.json_reading import checked, read_json
from tidewaiter.faces.api.lists import router as lists
from tidewaiter.faces.api.lookouts import router as lookouts
from tidewaiter.faces.api.officers import router as officers
from tidewaiter.faces.api.overrides import router as overrides
from tidewaiter.faces.api.policies import router as policies
from tidewaiter.faces.api.problems import CONTENT_TYPE, handle_errors, validation_problems
from tidewaiter.faces.api.profiles import router as profiles
from tidewaiter.faces.api.recalls import router as recalls
from tidewaiter.faces.api.referrals import router as referrals
from tidewaiter.faces.api.requests import router as requests
from tidewaiter.faces.api.results import router as results
from tidewaiter.faces.api.retention import router as retention
from tidewaiter.faces.api.schemas import components
from tidewaiter.faces.api.seizures import router as seizures
from tidewaiter.faces.api.shadows import router as shadows
from tidewaiter.faces.api.spelling import printable
from tidewaiter.faces.api.traders import router as traders
from tidewaiter.faces.api.worklist import router as worklist

ROUTERS: Final[tuple[Router, ...]] = (
    decisions,
    goods,
    worklist,
    results,
    seizures,
    exhibits,
    overrides,
    referrals,
    recalls,
    integrity,
    profiles,
    shadows,
    lists,
    lookouts,
    requests,
    agencies,
    traders,
    policies,
    capacity,
    officers,
    administration,
    audit,
    retention,
)
"""Every router of the API. Add yours as one import and one line."""


class StrictParser(Parser):
    """The reading of bodies by the API."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body as a document that is fit to be kept. Raises InputError."""
        return checked(read_json(request.body))


class Api(NinjaAPI):
    """The REST API: every refusal in the form of `problems`."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the route's function: each is used once."""
        return operation.view_func.__name__

    def validation_error_from_error_contexts(self, error_contexts: list[ValidationErrorContext[Any]]) -> Exception:  # type: ignore[override]
        """Return what pydantic found wrong as an error of ours."""
        return InputError(validation_problems(error_contexts))


def make_api(routers: Iterable[Router]) -> Api:
    """Return an API with these routers."""
    made = Api(
        title="Tidewaiter",
        version=__version__,
        description="Selectivity for customs: declarations in, channels out.",
        docs_url=None,
        openapi_url=None,
        urls_namespace="api",
        parser=StrictParser(),
    )
    handle_errors(made)
    for router in routers:
        made.add_router("", router)
    for _, operation in operations(made):
        operation.view_func = _known_query_only(operation)
    return made


def _known_query_only(operation: Operation) -> Callable[..., Any]:
    """Return the route's function refusing what its address asks and it does not know: a typing error, mostly."""
    function = operation.view_func
    asked = (model for model in operation.models if model.__ninja_param_source__ == "query")
    known = frozenset(name for model in asked for name in model.__ninja_flatten_map__)

    @wraps(function)
    def call(request: HttpRequest, **values: Any) -> Any:
        if request.META.get("QUERY_STRING"):
            found = Found()
            for name in request.GET:
                if name not in known:
                    found.unknown(f"query.{printable(name)}", name, known)
            found.refuse()
        return function(request, **values)

    return call


def operations(of: Api | None = None) -> Iterator[tuple[str, Operation]]:
    """Walk every route of an API (None: ours): its path below /api/v1 and its operation."""
    for bound in (of or api)._get_bound_routers():  # noqa: SLF001  # ninja has no public way to list operations
        for path, view in bound.path_operations.items():
            for operation in view.operations:
                yield path, operation


def actions_of(operation: Operation) -> tuple[str, ...]:
    """Return the actions a route declares; empty when it declares none."""
    return tuple(
        action for check in operation.auth_callbacks if isinstance(check, BearerToken) for action in check.actions
    )


api: Final = make_api(ROUTERS)


@cache
def openapi_text() -> str:
    """Return the OpenAPI document."""
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    named = {operation.view_func.__name__: actions_of(operation) for _, operation in operations()}
    document["components"]["schemas"] |= {"Problems": PROBLEMS_SCHEMA, **components()}
    for methods in document["paths"].values():
        for described in methods.values():
            described["responses"]["default"] = _REFUSED
            described["security"] = [{"BearerToken": list(named[described["operationId"]])}]
    return json.dumps(document)


def openapi(_request: HttpRequest) -> HttpResponse:
    """Answer with the OpenAPI document."""
    return HttpResponse(openapi_text(), content_type=CONTENT_TYPE)


PROBLEMS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Why a request was refused: every problem, each with its place.",
    "required": ["problems"],
    "properties": {
        "problems": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["place", "message", "suggestion"],
                "properties": {
                    "place": {"type": ["string", "null"], "description": "Where: items[2].hs_code"},
                    "message": {"type": "string", "description": "What is wrong"},
                    "suggestion": {"type": ["string", "null"], "description": "What to do about it"},
                },
            },
        }
    },
}
_REFUSED: Final[dict[str, Any]] = {
    "description": "Refused: 400 malformed, 401 no good token, 403 no right, 404 not known, 405 method, 409 conflict, "
    "413 too large, 422 content, 503 not ready.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problems"}}},
}
