"""What only the REST door does: validators, caching, paging over a switch, sign-in codes."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from customer360_builders import MARIA, STAMP, told_of_maria
from customer360_doors import LOOKUP, PERSONAL, READ, Open, both_doors, fill, next_release

DASHBOARD = "customer360.dashboard.write"


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Open]:
    async with both_doors(tmp_path) as opened:
        yield opened


async def test_a_customer_that_did_not_change_is_not_sent_again(doors: Open) -> None:
    first = await doors.rest.get(f"/v1/customers/{MARIA}", headers=doors.headers(READ))
    again = {**doors.headers(READ), "if-none-match": f'"other", W/{first.headers["etag"]}'}
    second = await doors.rest.get(f"/v1/customers/{MARIA}", headers=again)
    assert (second.status_code, second.content, second.headers["etag"]) == (304, b"", first.headers["etag"])


async def test_a_new_release_is_a_new_etag(doors: Open) -> None:
    first = await doors.rest.get(f"/v1/customers/{MARIA}", headers=doors.headers(READ))
    fill(doors.store, next_release(1))
    conditional = {**doors.headers(READ), "if-none-match": first.headers["etag"]}
    second = await doors.rest.get(f"/v1/customers/{MARIA}", headers=conditional)
    assert (second.status_code, second.json()["release_id"]) == (200, next_release(1).release_id)


async def test_the_masked_and_the_full_view_never_share_an_etag(doors: Open) -> None:
    masked = await doors.rest.get(f"/v1/customers/{MARIA}", headers=doors.headers(READ))
    full = await doors.rest.get(f"/v1/customers/{MARIA}", headers=doors.headers(READ, PERSONAL))
    assert masked.headers["etag"] != full.headers["etag"]
    assert "private" in masked.headers["cache-control"]
    assert masked.headers["vary"] == "Authorization"


async def test_without_the_scope_no_personal_value_is_sent(doors: Open) -> None:
    body, headers = {"email": "maria@example.com"}, doors.headers(READ, LOOKUP)
    answers = [
        await doors.rest.get(f"/v1/customers/{MARIA}", headers=headers),
        await doors.rest.get(f"/v1/customers/{MARIA}/timeline", headers=headers),
        await doors.rest.post("/v1/customers:lookup", json=body, headers=headers),
    ]
    for answer in answers:
        assert answer.status_code == 200
        sent = answer.text + repr(answer.headers)
        assert told_of_maria(sent) == []


async def test_paging_keeps_to_the_release_it_began_with(doors: Open) -> None:
    path, headers = f"/v1/customers/{MARIA}/timeline", doors.headers(READ)
    first = (await doors.rest.get(path, params={"page_size": 3}, headers=headers)).json()
    fill(doors.store, next_release(1), entries=9)
    params = {"page_size": 3, "page_token": first["next_page_token"]}
    second = (await doors.rest.get(path, params=params, headers=headers)).json()
    assert (second["release_id"], second["start"], second["total_size"]) == (STAMP.release_id, 3, 5)
    assert [entry["order_id"] for entry in first["entries"] + second["entries"]] == [
        "1005",
        "1004",
        "1003",
        "1002",
        "1001",
    ]
    assert second["next_page_token"] == ""
    fill(doors.store, next_release(2))
    lapsed = await doors.rest.get(path, params=params, headers=headers)
    assert (lapsed.status_code, lapsed.json()["type"]) == (410, "urn:shopsphere:problem:release_replaced")


async def test_an_unknown_field_of_a_lookup_is_refused(doors: Open) -> None:
    body = {"email": "maria@example.com", "name": "Maria"}
    answer = await doors.rest.post("/v1/customers:lookup", json=body, headers=doors.headers(LOOKUP))
    assert (answer.status_code, answer.json()["field"]) == (400, "name")
    assert "Maria" not in answer.text


async def test_a_client_can_make_a_code_for_what_it_may_see_itself(doors: Open) -> None:
    headers = doors.headers(DASHBOARD, READ)
    made = await doors.rest.post("/v1/dashboard/signin-codes", json={"scopes": [READ]}, headers=headers)
    assert made.status_code == 201
    assert made.json()["url"].endswith("/dashboard/signin?code=" + made.json()["code"])
    more = await doors.rest.post("/v1/dashboard/signin-codes", json={"scopes": [PERSONAL]}, headers=headers)
    assert (more.status_code, more.json()["field"]) == (403, "scope")
    odd = await doors.rest.post("/v1/dashboard/signin-codes", json={"scopes": ["inventory"]}, headers=headers)
    assert (odd.status_code, odd.json()["field"]) == (400, "scopes")


async def test_nothing_personal_is_logged_or_counted(doors: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    headers = doors.headers(READ, LOOKUP, PERSONAL)
    await doors.rest.get(f"/v1/customers/{MARIA}", headers=headers)
    await doors.rest.get("/v1/customers/maria@example.com", headers=headers)
    await doors.rest.post("/v1/customers:lookup", json={"email": "maria@example.com"}, headers=headers)
    await doors.rest.post("/v1/customers:lookup", json={"phone": "+12065550142"}, headers=headers)
    counted = (await doors.rest.get("/metrics")).text
    service_logs = "".join(
        r.getMessage() for r in caplog.records if r.name.startswith(("customer360", "shopsphere_kit"))
    )
    assert told_of_maria(counted + service_logs) == []
    assert MARIA not in counted + service_logs


async def test_the_contract_is_published(doors: Open) -> None:
    paths = (await doors.rest.get("/openapi.json")).json()["paths"]
    assert {
        "/v1/release",
        "/v1/customers/{customer_id}",
        "/v1/customers:lookup",
        "/v1/customers/{customer_id}/timeline",
        "/v1/dashboard/signin-codes",
    } == set(paths)
