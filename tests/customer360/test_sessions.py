"""Session cookies, form tokens and page tokens."""

from datetime import UTC, datetime, timedelta

import pytest
from customer360.errors import FormRefused, PageTokenInvalid
from customer360.page_tokens import PageTokens
from customer360.sessions import Sessions

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCOPES = frozenset({"customer360.profiles.read"})


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(b"a key", HOUR)


def test_a_cookie_brings_its_session_back(sessions: Sessions) -> None:
    session = sessions.start(SCOPES, NOW)
    assert sessions.read(sessions.cookie(session), NOW) == session


def test_a_cookie_expires(sessions: Sessions) -> None:
    cookie = sessions.cookie(sessions.start(SCOPES, NOW))
    assert sessions.read(cookie, NOW + HOUR) is None


def test_a_cookie_that_was_signed_out_is_worth_nothing(sessions: Sessions) -> None:
    session = sessions.start(SCOPES, NOW)
    sessions.end(session, NOW)
    assert sessions.read(sessions.cookie(session), NOW) is None


@pytest.mark.parametrize("cookie", [None, "", ".", "a.b", "e30.e30", "ä.ö"])
def test_what_is_no_cookie_of_ours_is_no_session(sessions: Sessions, cookie: str | None) -> None:
    assert sessions.read(cookie, NOW) is None


def test_scopes_cannot_be_added_to_a_cookie(sessions: Sessions) -> None:
    ours = sessions.cookie(sessions.start(SCOPES, NOW))
    more = Sessions(b"another key", HOUR).cookie(sessions.start(SCOPES | {"customer360.personal.read"}, NOW))
    assert sessions.read(more.partition(".")[0] + "." + ours.partition(".")[2], NOW) is None


def test_a_form_belongs_to_its_session(sessions: Sessions) -> None:
    mine, other = sessions.start(SCOPES, NOW), sessions.start(SCOPES, NOW)
    assert sessions.check_form(mine, sessions.form_token(mine)) == mine
    for session, token in ((mine, sessions.form_token(other)), (mine, ""), (mine, "ü"), (None, "")):
        with pytest.raises(FormRefused):
            sessions.check_form(session, token)


def test_a_page_token_belongs_to_its_customer() -> None:
    tokens = PageTokens(b"a key")
    token = tokens.make("C1", "R1", 50)
    assert tokens.read("C1", token) == ("R1", 50)
    with pytest.raises(PageTokenInvalid):
        tokens.read("C2", token)


@pytest.mark.parametrize("token", ["AAAA", "!", "ä", "a" * 256, "MC5S"])
def test_a_forged_page_token_is_refused(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        PageTokens(b"a key").read("C1", token)
