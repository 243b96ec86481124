"""Errors as OAuth names them (RFC 6749, section 5.2; RFC 8628, section 3.5)."""

from gateway.errors import ApiError


class OAuthError(ApiError):
    """An error of the authorization server; `code` is OAuth's word, `message` one sentence with the remedy."""

    type = "invalid_request_error"

    def __init__(self, code: str, message: str, *, status: int = 400, retry_after: float | None = None) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.status = status  # type: ignore[misc]  # OAuth's words go with more than one


def invalid_request(message: str) -> OAuthError:
    return OAuthError("invalid_request", message)


def invalid_grant(message: str, status: int = 400) -> OAuthError:
    return OAuthError("invalid_grant", message, status=status)
