"""Every error that is raised on purpose.

SekishoError
├── InstallError           what the `sekisho` command meets, in `install.errors`
├── ConfigError            the configuration file is wrong (command line: exit 2)
└── ApiError               a request gets this as its answer, in its client's dialect
    ├── InvalidRequest     400  a field is wrong; `param` names it
    │   └── NothingMade    400  the model was asked and made nothing of what was wanted
    ├── Unauthenticated    401  no key, wrong key, revoked key
    ├── Forbidden          403  the key may not do this
    ├── NotFound           404  no such model or route
    ├── MethodNotAllowed   405
    ├── Misdirected        421  the request is meant for another host
    ├── TooLarge           413  body over `server.max_body_bytes`
    ├── UnsupportedEncoding 415  the body is compressed
    ├── Superseded         409  a newer code completion took this one's place
    ├── TooLate            504  a code completion took longer than anybody waits for one
    ├── Busy               429  waited as long as its class may, or the queue is full
    ├── LimitReached       429  a limit or budget of key, person or team (`gateway.limits`)
    ├── Overloaded         503  a part that must answer does not; carries `retry_after`
    └── UpstreamError      502  the model's server failed
        ├── UpstreamRefused      its answer was an error, passed on
        │   └── ModelEnded       404  it no longer has the model
        ├── CredentialsMissing  503  the gateway has none that the model's server takes
        ├── UpstreamUnreachable  no connection, or closed before or in the answer
        └── UpstreamTimeout      504

`code` is for programs, `message` for people: it names the remedy, in English; `gateway.wording` has a sentence a code
for the person who reads it. `type` is OpenAI's word for the class of error
(platform.openai.com/docs/guides/error-codes).
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal


class SekishoError(Exception):
    """The root. `str(error)` is what a person can act on; `exit_code` what the command line ends with."""

    exit_code: ClassVar[int] = 1


class ConfigError(SekishoError):
    """A configuration that cannot be used: file, line, key, what is wrong, what is allowed."""

    exit_code = 2


class ApiError(SekishoError):
    """Ends a request. `status` is HTTP's, `param` the request field at fault, `retry_after` in seconds."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False
    """Whether another deployment may do better."""
    final: ClassVar[bool] = False
    """Whether the client is told not to try again."""

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.retry_after = retry_after
        self.successor: str | None = None
        """The model that may be asked in place of one that is not served."""

    def in_words(
        self,
        language: Literal["en", "ja"],
        is_person: bool,
        zone: str | None,
        free_models: Sequence[str],
        contact: str | None = None,
    ) -> str | None:
        """Return a sentence that knows more than the code does; None where the code says all."""
        return None

    def for_programs(self, free_models: Sequence[str], contact: str | None) -> str:
        """Return the message in English, with what its reader may do."""
        return self.message


class InvalidRequest(ApiError):
    status = 400
    type = "invalid_request_error"
    default_code = "invalid_value"


class NothingMade(InvalidRequest):
    """An answer in which nothing is of what was asked for: a filter took it away, or the model only wrote words.

    `usage` is what it used all the same, as the upstream counted.
    """

    default_code = "content_policy_violation"
    usage: Any = None


class Unauthenticated(ApiError):
    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class Forbidden(ApiError):
    status = 403
    type = "permission_error"
    default_code = "forbidden"


class NotFound(ApiError):
    status = 404
    type = "invalid_request_error"
    default_code = "not_found"


class MethodNotAllowed(ApiError):
    status = 405
    type = "invalid_request_error"
    default_code = "method_not_allowed"


class Misdirected(ApiError):
    status = 421
    type = "invalid_request_error"
    default_code = "wrong_host"


class TooLarge(ApiError):
    status = 413
    type = "invalid_request_error"
    default_code = "request_too_large"


class UnsupportedEncoding(ApiError):
    status = 415
    type = "invalid_request_error"
    default_code = "unsupported_encoding"


class Superseded(ApiError):
    status = 409
    type = "invalid_request_error"
    default_code = "superseded"
    final = True


class TooLate(ApiError):
    status = 504
    default_code = "completion_too_late"
    final = True


class Busy(ApiError):
    status = 429
    type = "requests"
    default_code = "queue_full"


class Overloaded(ApiError):
    status = 503
    type = "overloaded_error"
    default_code = "overloaded"


class UpstreamError(ApiError):
    status = 502
    type = "upstream_error"
    default_code = "upstream_error"
    retryable = True


class UpstreamUnreachable(UpstreamError):
    default_code = "upstream_unreachable"


class CredentialsMissing(UpstreamError):
    status = 503
    default_code = "upstream_credentials"


class UpstreamTimeout(UpstreamError):
    status = 504
    default_code = "upstream_timeout"


class UpstreamRefused(UpstreamError):
    """An error answer of the model's server.

    `status` is what our client gets, `upstream_status` what came; `body` is the upstream's own
    JSON, passed on untouched where the dialects agree, or None where it must not be shown.
    `too_long`: the prompt does not fit the model's context window.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        upstream_status: int,
        body: bytes | None = None,
        code: str = "upstream_error",
        retryable: bool = True,
        retry_after: float | None = None,
        too_long: bool = False,
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.status = status  # type: ignore[misc]  # the one class whose status is the upstream's
        self.retryable = retryable  # type: ignore[misc]
        self.upstream_status = upstream_status
        self.body = body
        self.too_long = too_long
        self.upstream_words = ""
        """What the upstream said, without our secrets: for the log."""
        self.answer = b""
        """The failed answer as it came, in a dialect whose clients want that rather than a status."""


class ModelEnded(UpstreamRefused):
    """The model's server no longer has the model; `successor` is what may be asked instead."""

    type = "invalid_request_error"

    def __init__(self, message: str, *, upstream_status: int, successor: str | None) -> None:
        super().__init__(message, status=404, upstream_status=upstream_status, code="model_ended")
        self.param = "model"
        self.successor = successor
