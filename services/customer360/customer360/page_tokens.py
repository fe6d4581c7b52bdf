"""Page tokens: opaque to the caller, bound to one customer and one release, and not to be forged."""

import base64
import binascii
import hashlib
import hmac

from customer360.errors import PageTokenInvalid

# Half of SHA-256: 128 bits are beyond guessing.
MAC_BYTES = 16


class PageTokens:
    """Makes and reads page tokens under a key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"page-token", hashlib.sha256)

    def make(self, customer_id: str, release_id: str, start: int) -> str:
        """The token of the page that begins at position `start`."""
        payload = f"{start}.{release_id}".encode()
        return base64.urlsafe_b64encode(self._mac(customer_id, payload) + payload).decode().rstrip("=")

    def read(self, customer_id: str, token: str) -> tuple[str, int]:
        """(release, start) of a token; raises `PageTokenInvalid`."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raise _invalid() from None
        mac, payload = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(customer_id, payload)):
            raise _invalid()
        start, _, release_id = payload.decode().partition(".")
        return release_id, int(start)

    def _mac(self, customer_id: str, payload: bytes) -> bytes:
        message = customer_id.encode() + b"\0" + payload
        return hmac.digest(self._key, message, hashlib.sha256)[:MAC_BYTES]


def _invalid() -> PageTokenInvalid:
    return PageTokenInvalid(
        "page_token: send next_page_token of an earlier page of the same customer", field="page_token"
    )
