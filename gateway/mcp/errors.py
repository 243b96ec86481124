"""Errors between the hub and the tool servers behind it."""


class UpstreamDown(Exception):
    """A tool server that cannot be reached. `reason` completes "server X does not answer: …"; `last_words` says how
    it ended and what it wrote to stderr, without secrets."""

    def __init__(self, server: str, reason: str, last_words: str = "") -> None:
        super().__init__(f"{server}: {reason}")
        self.server = server
        self.reason = reason
        self.last_words = last_words

    @property
    def told(self) -> str:
        """Return the reason with what the server said last, for a person or a model."""
        return f"{self.reason}: {self.last_words}" if self.last_words else self.reason


class SessionLost(UpstreamDown):
    """A server that no longer knows the session; a new one helps."""


class SignInNeeded(UpstreamDown):
    """A server that refuses the credentials, or a person without any. `challenge`: its `WWW-Authenticate`."""

    def __init__(self, server: str, reason: str, challenge: str = "", *, asked: bool = False) -> None:
        super().__init__(server, reason)
        self.challenge = challenge
        self.asked = asked
        """True where the person was asked during this call, and is not asked once more."""


class NotSent(UpstreamDown):
    """A server that was not reached: nothing of the request arrived there, and it may be sent again."""


class HttpFailure(UpstreamDown):
    """A server that answers with an HTTP status and no error of the protocol."""

    def __init__(self, server: str, status: int) -> None:
        super().__init__(server, f"it answers with HTTP {status}")
        self.status = status
