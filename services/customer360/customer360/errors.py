"""What can go wrong in Customer 360, each by what the caller should do; details never hold personal data.

InvalidArgument ─ ContactInvalid, LookupAmountWrong, PageTokenInvalid
Unauthenticated ─ SignInCodeInvalid, SessionMissing
PermissionDenied ─ FormRefused
NotFound ─ CustomerUnknown        Gone ─ CustomerDeleted, ReleaseReplaced
Conflict ─ LookupAmbiguous, LoadRunning
Unavailable ─ NothingLoaded, LakeUnavailable       FailedPrecondition ─ StoreUnusable, NothingPublished
"""

from shopsphere_kit.errors import (
    Conflict,
    FailedPrecondition,
    Gone,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)


class ContactInvalid(InvalidArgument):
    """An e-mail address or a phone number is none."""

    default_reason = "contact_invalid"


class LookupAmountWrong(InvalidArgument):
    """A lookup names neither an e-mail nor a phone, or both."""

    default_reason = "lookup_needs_one_key"


class PageTokenInvalid(InvalidArgument):
    """A page token was not made by this service for this customer."""

    default_reason = "page_token_invalid"


class SignInCodeInvalid(Unauthenticated):
    """A one-time code is unknown, used or too old."""

    title, default_reason = "The code does not work", "signin_code_invalid"


class SessionMissing(Unauthenticated):
    """A dashboard page was asked for without a session."""

    title, default_reason = "Sign in first", "session_missing"


class FormRefused(PermissionDenied):
    """A form came from elsewhere: its token does not belong to the session."""

    title, default_reason = "The form has expired", "form_refused"


class CustomerUnknown(NotFound):
    """The release holds no such customer."""

    title, default_reason = "No such customer", "customer_unknown"


class CustomerDeleted(Gone):
    """The customer asked to be deleted; nothing of them is served any more."""

    title, default_reason = "Customer deleted", "customer_deleted"


class ReleaseReplaced(Gone):
    """A page token belongs to a release that has been replaced."""

    title, default_reason = "Release replaced", "release_replaced"


class LookupAmbiguous(Conflict):
    """Several customers share the e-mail address or the phone number."""

    default_reason = "lookup_ambiguous"


class LoadRunning(Conflict):
    """Another process is loading into the same store."""

    default_reason = "load_running"


class NothingLoaded(Unavailable):
    """No generation has been loaded yet."""

    default_reason = "nothing_loaded"


class LakeUnavailable(Unavailable):
    """The lake's catalog or its files do not answer."""

    default_reason = "lake_unavailable"


class NothingPublished(FailedPrecondition):
    """The lake has no release yet."""

    default_reason = "nothing_published"


class StoreUnusable(FailedPrecondition):
    """The store's generation cannot be served with these settings."""

    default_reason = "store_unusable"
