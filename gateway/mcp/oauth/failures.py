"""What keeps a person from signing in at a tool server. `words.py` has the sentences."""


class OAuthFailed(Exception):
    """A sign-in, or a token, that cannot be had. `code` is a row of `words.FAILURES`, which `said` fills."""

    def __init__(self, code: str, **said: str) -> None:
        super().__init__(code)
        self.code = code
        self.said = said


class GrantEnded(OAuthFailed):
    """The issuer no longer knows the person's sign-in: only signing in again helps."""
