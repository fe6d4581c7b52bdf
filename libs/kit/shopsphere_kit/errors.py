"""What can go wrong, divided by what the caller should do about it.

ShopSphereError
├── InvalidArgument       400  mend the named field and send again
├── Unauthenticated       401  send a valid token
├── PermissionDenied      403  ask for the missing scope
├── NotFound              404  the thing does not exist
├── Gone                  410  the thing was there and will not come back
├── Conflict              409  the state or an earlier request disagrees; read, then decide
├── FailedPrecondition    422  the request is well formed but the state forbids it
├── TooLarge              413  send less
├── RateLimited           429  wait retry_after_seconds
├── Unavailable           503  try again later
└── DeadlineExceeded      504  it took longer than allowed

Every class maps once to an HTTP status and a gRPC code. `reason` is stable and meant for programs, `detail` is meant
for people and names the remedy; neither ever holds personal data.
"""

from typing import ClassVar


class ShopSphereError(Exception):
    """The root of everything a door may answer with."""

    http_status: ClassVar[int] = 500
    grpc_code: ClassVar[str] = "INTERNAL"
    title: ClassVar[str] = "Internal error"
    default_reason: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        reason: str | None = None,
        field: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason or self.default_reason
        self.field = field
        self.retry_after_seconds = retry_after_seconds


class InvalidArgument(ShopSphereError):
    """A field of the request is wrong."""

    http_status, grpc_code = 400, "INVALID_ARGUMENT"
    title, default_reason = "Invalid request", "invalid_argument"


class Unauthenticated(ShopSphereError):
    """There is no token, or it does not verify."""

    http_status, grpc_code = 401, "UNAUTHENTICATED"
    title, default_reason = "Not authenticated", "unauthenticated"


class PermissionDenied(ShopSphereError):
    """The token lacks the scope."""

    http_status, grpc_code = 403, "PERMISSION_DENIED"
    title, default_reason = "Not allowed", "permission_denied"


class NotFound(ShopSphereError):
    """The thing asked for does not exist."""

    http_status, grpc_code = 404, "NOT_FOUND"
    title, default_reason = "Not found", "not_found"


class Gone(ShopSphereError):
    """The thing asked for existed and was removed for good."""

    http_status, grpc_code = 410, "NOT_FOUND"
    title, default_reason = "Gone", "gone"


class Conflict(ShopSphereError):
    """An earlier request or the present state contradicts this one."""

    http_status, grpc_code = 409, "ABORTED"
    title, default_reason = "Conflict", "conflict"


class FailedPrecondition(ShopSphereError):
    """The request is well formed, but the state forbids it."""

    http_status, grpc_code = 422, "FAILED_PRECONDITION"
    title, default_reason = "Precondition failed", "failed_precondition"


class TooLarge(ShopSphereError):
    """The request exceeds a stated bound."""

    http_status, grpc_code = 413, "RESOURCE_EXHAUSTED"
    title, default_reason = "Too large", "too_large"


class RateLimited(ShopSphereError):
    """The caller sends more than its share."""

    http_status, grpc_code = 429, "RESOURCE_EXHAUSTED"
    title, default_reason = "Too many requests", "rate_limited"


class Unavailable(ShopSphereError):
    """Something this service needs is away."""

    http_status, grpc_code = 503, "UNAVAILABLE"
    title, default_reason = "Unavailable", "unavailable"


class DeadlineExceeded(ShopSphereError):
    """The answer took longer than allowed."""

    http_status, grpc_code = 504, "DEADLINE_EXCEEDED"
    title, default_reason = "Took too long", "deadline_exceeded"
