"""What can go wrong for a person at the command line, and how to mend it.

A class stands for what its catcher does; the sentences stand where the error is raised.

InstallError                  exit code
├── UsageError                2   an option, a name or a file that the person gave is wrong
│   └── ManifestError             in the manifest: file, line, key, what is allowed
├── OpenWebUIError            1   the server that gets the pack
│   ├── SignInRefused             a kept session is given up, and the password tried
│   └── Refused                   an answer with an error status, which says what is to be done
│       └── CreateRefused         nothing was made: whatever stands there is somebody else's
├── GatewayError              1   the gateway, or its key; the doctor goes on without
└── Drift                     3   something differs from the manifest, or was left alone
"""

from gateway.errors import SekishoError
from install.wording import say


class InstallError(SekishoError):
    """A known problem: one sentence that says what, one that says the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(say("{problem} {remedy}", problem=problem, remedy=remedy))


class UsageError(InstallError):
    exit_code = 2


class ManifestError(UsageError):
    def __init__(self, where: str, problem: str, allowed: str) -> None:
        super().__init__(
            say("{where}: {problem}.", where=where, problem=problem), say("Allowed: {allowed}.", allowed=allowed)
        )


class OpenWebUIError(InstallError):
    """`detail` is the reason in the server's own words, None where it gave none."""

    def __init__(self, problem: str, remedy: str, detail: str | None = None) -> None:
        self.detail = detail
        super().__init__(problem, remedy)


class SignInRefused(OpenWebUIError):
    pass


class Refused(OpenWebUIError):
    """Open WebUI answered with an error status."""

    detail: str

    def __init__(self, method: str, path: str, status: int, detail: str) -> None:
        self.status = status
        super().__init__(
            say(
                "Open WebUI refused {method} {path} with {status}: {detail}",
                method=method,
                path=path,
                status=status,
                detail=detail,
            ),
            say("Its log says more; mend the cause and run the command again."),
            detail,
        )


class CreateRefused(Refused):
    pass


class GatewayError(InstallError):
    pass


class Drift(InstallError):
    exit_code = 3
