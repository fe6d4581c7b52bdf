"""The dashboard: pages rendered on the server, without scripts, for people who hold a session."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Form, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from shopsphere_kit.auth import Caller
from shopsphere_kit.errors import InvalidArgument, NotFound, ShopSphereError
from shopsphere_kit.http import route_template
from shopsphere_kit.logging import get_logger
from starlette.exceptions import HTTPException

from customer360.dashboard_access import DashboardAccess
from customer360.dashboard_pages import STATIC, Pages
from customer360.directory import LOOKUP_SCOPE, PROFILES_SCOPE, CustomerAnswer, CustomerDirectory
from customer360.errors import CustomerDeleted, CustomerUnknown, LookupAmbiguous, SessionMissing
from customer360.sessions import Session

_log = get_logger(__name__)
COOKIE = "customer360_session"
# Of the sign-in form alone: a browser that comes from another site does not send the strict session cookie, and a new
# session without scopes must not take its place.
VISITOR_COOKIE = "customer360_visitor"
PATH = "/dashboard"
# Entries on one page of a profile's timeline.
PAGE_SIZE = 25
# Nothing but our own style sheet, font and forms: no script can run, no other site can frame or be told.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Answers when the page of the error cannot be rendered either.
_LAST_RESORT = "<!doctype html><html lang=en><title>Internal error</title><h1>Internal error</h1><p>The log says more."
_CUSTOMER_ID = re.compile(r"\s*(C[0-9a-f]{16})\s*", re.IGNORECASE)


class Dashboard:
    """Routes of the pages; each checks the session, asks the directory and renders."""

    def __init__(self, directory: CustomerDirectory, access: DashboardAccess) -> None:
        self._directory = directory
        self._access = access
        self._pages = Pages(directory, access.sessions)

    def member(self, request: Request, scope: str = PROFILES_SCOPE) -> Session:
        """The signed-in session, which must hold the scope."""
        session = self._access.member(request.cookies.get(COOKIE))
        Caller(session.session_id, session.scopes).require(scope)
        return session

    async def overview(self, request: Request) -> Response:
        """The release at a glance."""
        return HTMLResponse(self._pages.overview(self.member(request)))

    async def customer(self, request: Request, customer_id: str, page_token: str = "") -> Response:
        """One profile with a page of its timeline."""
        session = self.member(request)
        answer = self._directory.customer(session.scopes, customer_id)
        timeline = self._directory.timeline(customer_id, page_size=PAGE_SIZE, page_token=page_token)
        history = self._directory.history(customer_id)
        return HTMLResponse(self._pages.customer(session, answer, timeline, history))

    async def find(self, request: Request) -> Response:
        """The search form."""
        return HTMLResponse(self._pages.find(self.member(request)))

    async def search(
        self,
        request: Request,
        query: Annotated[str, Form(max_length=320)] = "",
        form_token: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Find by customer id, e-mail or phone; what was typed comes back in the page and never in a URL."""
        session = self._access.sessions.check_form(self.member(request), form_token)
        try:
            found = self._found(session, query)
        except (CustomerUnknown, CustomerDeleted, LookupAmbiguous, InvalidArgument) as error:
            return HTMLResponse(self._pages.find(session, query=query, problem=error), error.http_status)
        return RedirectResponse(f"{PATH}/customers/{found.customer_id}", HTTPStatus.SEE_OTHER)

    async def signin_form(self, request: Request, code: Annotated[str, Query(max_length=64)] = "") -> Response:
        """The sign-in form; looking at it spends no code, whoever follows the link."""
        visitor = self._access.visitor(request.cookies.get(VISITOR_COOKIE)) or self._access.anonymous()
        return self._with_cookie(HTMLResponse(self._pages.signin(visitor, code)), VISITOR_COOKIE, visitor)

    async def signin(
        self,
        request: Request,
        code: Annotated[str, Form(max_length=64)] = "",
        form_token: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Redeem the code of the form."""
        visitor = self._access.visitor(request.cookies.get(VISITOR_COOKIE))
        self._access.sessions.check_form(visitor, form_token)
        session = self._access.redeem(code)
        return self._with_cookie(RedirectResponse(f"{PATH}/", HTTPStatus.SEE_OTHER), COOKIE, session)

    async def signout(self, request: Request, form_token: Annotated[str, Form(max_length=128)] = "") -> Response:
        """End the session everywhere: no replica on this data folder takes its cookie any more, restarted or not."""
        session = self._access.sessions.check_form(self._access.visitor(request.cookies.get(COOKIE)), form_token)
        self._access.end(session)
        answer = RedirectResponse(f"{PATH}/signin", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, path=PATH)
        return answer

    def refused(self, request: Request, error: ShopSphereError) -> Response:
        """The page of an error; without a session, the way to the sign-in form."""
        if isinstance(error, SessionMissing):
            return RedirectResponse(f"{PATH}/signin", HTTPStatus.SEE_OTHER)
        session = self._access.visitor(request.cookies.get(COOKIE))
        return HTMLResponse(self._pages.error(session, error), error.http_status)

    def broken(self, request: Request, error: Exception) -> Response:
        """The page of an error nobody foresaw; the log has the details, the page none."""
        _log.error("unexpected error", route=route_template(request.scope), exc_info=error)
        try:
            return self.refused(request, ShopSphereError("something went wrong on our side; try again"))
        except Exception as second:  # noqa: BLE001 - what broke the page may break the page of the error
            _log.error("the page of the error failed too", exc_info=second)
            return HTMLResponse(_LAST_RESORT, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _found(self, session: Session, query: str) -> CustomerAnswer:
        by_id = _CUSTOMER_ID.fullmatch(query)
        if by_id:
            letters = by_id.group(1)
            return self._directory.customer(session.scopes, letters[0].upper() + letters[1:].lower())
        Caller(session.session_id, session.scopes).require(LOOKUP_SCOPE)
        key = query.strip() or None
        by_email = "@" in query
        return self._directory.lookup(session.scopes, email=key if by_email else None, phone=None if by_email else key)

    def _with_cookie(self, answer: Response, name: str, session: Session) -> Response:
        answer.set_cookie(
            name,
            self._access.sessions.cookie(session),
            max_age=int(self._access.sessions.lifetime.total_seconds()),
            path=PATH,
            secure=self._access.dashboard_url.startswith("https:"),
            httponly=True,
            samesite="strict",
        )
        return answer


def create(directory: CustomerDirectory, access: DashboardAccess) -> FastAPI:
    """The pages as an application to be mounted at /dashboard."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    routes = Dashboard(directory, access)
    app.get("/")(routes.overview)
    app.get("/find")(routes.find)
    app.post("/find")(routes.search)
    app.get("/customers/{customer_id}")(routes.customer)
    app.get("/signin")(routes.signin_form)
    app.post("/signin")(routes.signin)
    app.post("/signout")(routes.signout)
    app.mount("/static", StaticFiles(directory=STATIC))
    _answer_errors(app, routes)

    @app.middleware("http")
    async def secured(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        # Starlette calls a handler of Exception outside every middleware, where the headers would be missing.
        try:
            answer = await call_next(request)
        except Exception as error:  # noqa: BLE001 - it is logged, and told as a page
            answer = routes.broken(request, error)
        return _with_headers(request, answer)

    return app


def _answer_errors(app: FastAPI, routes: Dashboard) -> None:
    @app.exception_handler(ShopSphereError)
    async def on_known(request: Request, error: ShopSphereError) -> Response:
        return routes.refused(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, _: RequestValidationError) -> Response:
        return routes.refused(request, InvalidArgument("a field of the form is too long or missing"))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        kind = NotFound if error.status_code == HTTPStatus.NOT_FOUND else InvalidArgument
        page = routes.refused(request, kind(str(error.detail)))
        page.status_code = error.status_code
        return page


def _with_headers(request: Request, answer: Response) -> Response:
    answer.headers.update(SECURITY_HEADERS)
    static = request.url.path.startswith(f"{PATH}/static/") and answer.status_code == HTTPStatus.OK
    answer.headers["Cache-Control"] = "public, max-age=3600" if static else "no-store"
    return answer
