"""Why signing in did not work, as a code for the page, and in words for the log."""

from typing import Literal

from gateway.errors import SekishoError

Reason = Literal[
    "unreachable",  # the provider does not answer
    "setup",  # configuration, registration and provider do not fit together
    "state",  # old, used, or of another browser
    "refused",  # the provider, or the person, said no
    "token",  # its answer is not meant for this sign-in
    "clock",  # the answer is too old or from the future
    "no_mail",  # no verified address
    "domain",  # an address of another company
]


class SignInFailed(SekishoError):
    """`reason` is what the person is told about; the message is for the log, and has no secret."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
