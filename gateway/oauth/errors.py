"""Errors as OAuth names them (RFC 6749, section 5.2; RFC 8628, section 3.5)."""

from gateway.errors import ApiError


class OAuthError(ApiError):
    """An error of the authorization server; `code` is OAuth's word, `message` one sentence with the remedy."""

    type = "invalid_request_error"

    def __init__(
        self, code: str, message: str, *, status: int = 400, retry_after: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.reason = reason
        """The code of the gateway's own refusal behind it, which has a sentence in each language."""
        self.status = status  # type: ignore[misc]  # OAuth's words go with more than one


def invalid_request(message: str) -> OAuthError:
    return OAuthError("invalid_request", message)


def invalid_grant(message: str, status: int = 400) -> OAuthError:
    return OAuthError("invalid_grant", message, status=status)


def denied(error: ApiError) -> OAuthError:
    """Return a refusal of the gateway's policy as OAuth has it."""
    return OAuthError("access_denied", error.message, reason=error.code)
