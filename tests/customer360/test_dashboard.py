"""The dashboard as a person sees it, with and without the scope for personal data."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from customer360_builders import DELETED, MARIA, STAMP, told_of_maria
from customer360_doors import BASE, LOOKUP, PERSONAL, READ, Open, both_doors, hidden_fields


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Open]:
    async with both_doors(tmp_path) as opened:
        yield opened


def form_token(page: httpx.Response) -> str:
    return hidden_fields(page)["form_token"]


async def search(doors: Open, query: str) -> httpx.Response:
    token = form_token(await doors.rest.get("/dashboard/find"))
    return await doors.rest.post("/dashboard/find", data={"query": query, "form_token": token})


PAGES = ["/dashboard/", "/dashboard/find", f"/dashboard/customers/{MARIA}"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_stranger_is_sent_to_the_sign_in_form(doors: Open, path: str) -> None:
    answer = await doors.rest.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/signin")


async def test_the_button_of_a_link_signs_in_once(doors: Open) -> None:
    code = doors.code(READ)
    page = await doors.rest.get("/dashboard/signin", params={"code": code})
    first = await doors.rest.post("/dashboard/signin", data=hidden_fields(page))
    assert (first.status_code, first.headers["location"]) == (303, "/dashboard/")
    cookie = first.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/dashboard", "Max-Age=28800"))
    assert (await doors.rest.get("/dashboard/")).status_code == 200
    second = await doors.rest.post("/dashboard/signin", data=hidden_fields(page))
    assert second.status_code == 401
    assert code not in second.text


async def test_looking_at_a_link_spends_nothing_and_signs_nobody_in(doors: Open) -> None:
    link = {"code": doors.code(READ)}
    for _ in range(2):
        looked = await doors.rest.get("/dashboard/signin", params=link)
        assert (looked.status_code, hidden_fields(looked)["code"]) == (200, link["code"])
        assert (await doors.rest.get("/dashboard/")).status_code == 303
    assert (await doors.rest.post("/dashboard/signin", data=hidden_fields(looked))).status_code == 303


async def test_a_form_on_another_site_cannot_sign_a_visitor_in(doors: Open) -> None:
    fields = hidden_fields(await doors.rest.get("/dashboard/signin", params={"code": doors.code(READ)}))
    doors.rest.cookies.clear()
    assert (await doors.rest.post("/dashboard/signin", data=fields)).status_code == 403


async def test_the_sign_in_form_leaves_a_session_as_it_is(doors: Open) -> None:
    await doors.sign_in(READ)
    shown = await doors.rest.get("/dashboard/signin", params={"code": "AAAAA"})
    assert "customer360_session" not in shown.headers.get("set-cookie", "")
    assert (await doors.rest.get("/dashboard/")).status_code == 200


async def test_a_code_can_be_typed(doors: Open) -> None:
    form = await doors.rest.get("/dashboard/signin")
    entry = {"code": doors.code(READ).lower(), "form_token": form_token(form)}
    assert (await doors.rest.post("/dashboard/signin", data=entry)).status_code == 303
    assert (await doors.rest.get("/dashboard/")).status_code == 200


@pytest.mark.parametrize("path", ["/dashboard/find", "/dashboard/signout", "/dashboard/signin"])
@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_a_form_from_elsewhere_is_refused(doors: Open, path: str, token: str) -> None:
    await doors.sign_in(READ, LOOKUP)
    answer = await doors.rest.post(path, data={"query": MARIA, "code": "x", "form_token": token})
    assert answer.status_code == 403
    assert (await doors.rest.get("/dashboard/")).status_code == 200


async def test_signing_out_holds_after_a_restart_and_for_other_replicas(tmp_path: Path) -> None:
    async with both_doors(tmp_path) as doors:
        await doors.sign_in(READ)
        copied = dict(doors.rest.cookies)
    async with both_doors(tmp_path) as one, both_doors(tmp_path) as other:
        for replica in (one, other):
            replica.rest.cookies.update(copied)
            assert (await replica.rest.get("/dashboard/")).status_code == 200
        token = form_token(await one.rest.get("/dashboard/"))
        await one.rest.post("/dashboard/signout", data={"form_token": token})
        assert (await other.rest.get("/dashboard/")).status_code == 303
    async with both_doors(tmp_path) as restarted:
        restarted.rest.cookies.update(copied)
        assert (await restarted.rest.get("/dashboard/")).status_code == 303


async def test_signing_out_ends_the_session_for_whoever_copied_the_cookie(doors: Open) -> None:
    await doors.sign_in(READ)
    copied = dict(doors.rest.cookies)
    token = form_token(await doors.rest.get("/dashboard/"))
    await doors.rest.post("/dashboard/signout", data={"form_token": token})
    doors.rest.cookies.update(copied)
    assert (await doors.rest.get("/dashboard/")).status_code == 303


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_names_the_release_and_hides_personal_values(doors: Open, path: str) -> None:
    await doors.sign_in(READ, LOOKUP)
    page = await doors.rest.get(path)
    assert page.status_code == 200
    assert STAMP.release_id in page.text
    without_examples = page.text.replace("name@example.com, (206) 555-0142", "")
    assert told_of_maria(without_examples) == []


async def test_the_scope_lifts_the_mask(doors: Open) -> None:
    await doors.sign_in(READ, PERSONAL)
    page = (await doors.rest.get(f"/dashboard/customers/{MARIA}")).text
    for shown in ("Maria Dos Santos", "maria<wbr>@example.com", "+12065550142", "12 Elm Street", "4 May 1971"):
        assert shown in page
    assert "$36.75" in page
    assert "Older" not in page


@pytest.mark.parametrize("query", ["maria@example.com", f" {MARIA} ", MARIA.lower()])
async def test_a_customer_is_found_without_the_query_in_the_url(doors: Open, query: str) -> None:
    await doors.sign_in(READ, LOOKUP)
    found = await search(doors, query)
    assert (found.status_code, found.headers["location"]) == (303, f"/dashboard/customers/{MARIA}")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("stranger@example.com", 404, "No such customer"),
        ("+12065550142", 409, "get them by id"),
        (DELETED, 410, "Customer deleted"),
        ("what", 400, "E.164"),
        ("", 400, "either email or phone"),
    ],
)
async def test_a_search_without_result_says_why(doors: Open, query: str, status: int, said: str) -> None:
    await doors.sign_in(READ, LOOKUP)
    page = await search(doors, query)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert said in page.text


async def test_a_search_by_contact_needs_its_scope(doors: Open) -> None:
    await doors.sign_in(READ)
    assert (await search(doors, "maria@example.com")).status_code == 403
    assert (await search(doors, MARIA)).status_code == 303


async def test_what_is_typed_cannot_become_markup(doors: Open) -> None:
    await doors.sign_in(READ, LOOKUP)
    page = await search(doors, '"><script>alert(1)</script>@x')
    assert "<script" not in page.text


@pytest.mark.parametrize(("path", "status"), [("/customers/C404", 404), (f"/customers/{DELETED}", 410), ("/odd", 404)])
async def test_errors_are_pages_too(doors: Open, path: str, status: int) -> None:
    await doors.sign_in(READ)
    page = await doors.rest.get(f"/dashboard{path}")
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")


SECRET_DEFECT: Any = "maria@example.com, where a record should be"


async def assert_told_without_details(doors: Open, path: str) -> None:
    page = await doors.rest.get(path)
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
    assert "Internal error" in page.text
    assert "maria" not in page.text


async def test_an_unforeseen_error_is_a_page_with_the_headers_and_without_details(doors: Open) -> None:
    await doors.sign_in(READ)
    doors.store.current().profiles[MARIA] = SECRET_DEFECT
    await assert_told_without_details(doors, f"/dashboard/customers/{MARIA}")


async def test_an_error_that_breaks_its_own_page_too_is_still_told(doors: Open) -> None:
    await doors.sign_in(READ)
    doors.store.switch_to(SECRET_DEFECT)
    await assert_told_without_details(doors, "/dashboard/")


async def test_before_the_first_load_the_dashboard_says_so(tmp_path: Path) -> None:
    async with both_doors(tmp_path, loaded=False) as doors:
        assert "No release is loaded" in (await doors.rest.get("/dashboard/signin")).text
        await doors.sign_in(READ)
        assert (await doors.rest.get("/dashboard/")).status_code == 503


class Page(HTMLParser):
    """What the accessibility and the policy tests look at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.mark.parametrize("path", [*PAGES, "/dashboard/signin", "/dashboard/signin?code=AAAAA-BBBBB"])
async def test_pages_need_no_script_and_nothing_from_elsewhere(doors: Open, path: str) -> None:
    await doors.sign_in(READ, LOOKUP, PERSONAL)
    answer = await doors.rest.get(path)
    page = Page(answer.text)
    assert page.all("script", "iframe", "style") == []
    inline = [a for _, a in page.tags for name in a if name == "style" or name.startswith("on")]
    assert inline == []
    for attributes in page.all("link", "a", "img", "form"):
        target = attributes.get("href") or attributes.get("src") or attributes.get("action") or ""
        assert target.startswith(("/dashboard/", "#"))
        if target.startswith("#"):
            assert any(a.get("id") == target[1:] for _, a in page.tags)
            continue
        assert (await doors.rest.get(target)).status_code != 404
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", [*PAGES, "/dashboard/signin", "/dashboard/signin?code=AAAAA-BBBBB"])
async def test_pages_can_be_read_without_seeing_them(doors: Open, path: str) -> None:
    await doors.sign_in(READ, LOOKUP, PERSONAL)
    page = Page((await doors.rest.get(path)).text)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    labelled = {a["for"] for a in page.all("label")}
    assert {a.get("id") for a in page.all("input") if a.get("type") != "hidden"} <= labelled
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")[:1]) == 1
    assert page.all("html")[0]["lang"] == "en"
    referenced = {name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()}
    assert referenced <= set(ids)
    assert all(a.get("role") == "img" or a.get("aria-hidden") == "true" for a in page.all("svg"))


async def test_a_link_behind_tls_sets_a_secure_cookie(doors: Open) -> None:
    assert BASE.startswith("http:")
    assert "Secure" not in (await doors.sign_in(READ)).headers["set-cookie"]
