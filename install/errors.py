"""What can go wrong for a person at the command line, and how to mend it.

InstallError                      exit code
├── UsageError                    2   an option or the manifest is wrong
│   ├── OptionMissing
│   ├── ExtraMissing
│   └── ManifestError
├── OpenWebUIError                1   the server that gets the pack
│   ├── Unreachable
│   ├── NotOpenWebUI
│   ├── TooOld
│   ├── FunctionsDisabled
│   ├── SignInRefused
│   │   ├── TooManySignIns
│   │   ├── SecondFactorNeeded
│   │   └── NotAdministrator
│   └── Refused                       any other answer than success
├── GatewayError                  1   the gateway, as Open WebUI sees it
│   ├── GatewayUnreachable
│   ├── GatewayKeyRefused
│   ├── GatewayAnswerUnusable
│   └── ModelNotOffered
├── GroupMissing                  1
├── PluginError                   1   a plugin file
│   ├── PluginMissing
│   ├── PluginUnreadable
│   └── PluginNeedsNewer
├── EmbeddedError                 1   `sekisho up`
│   ├── PortTaken
│   ├── DiskFull
│   ├── ModelDownloadFailed
│   ├── OpenWebUIMissing
│   ├── PartDidNotStart
│   ├── PartEnded
│   └── CheckFailed
├── NotVerified                   1   written, but it reads back differently
└── Drift                         3
    ├── DriftFound
    └── LeftAlone
"""

from collections.abc import Iterable
from pathlib import Path

from gateway.errors import SekishoError


class InstallError(SekishoError):
    """A known problem: one sentence that says what, one that says the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")


class UsageError(InstallError):
    exit_code = 2


class OptionMissing(UsageError):
    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} is missing.", remedy)


class ExtraMissing(UsageError):
    def __init__(self, verb: str, extra: str) -> None:
        super().__init__(
            f"`sekisho {verb}` needs parts that are not installed.", f"Run `pip install 'sekisho[{extra}]'`."
        )


class ManifestError(UsageError):
    def __init__(self, where: str, problem: str, allowed: str) -> None:
        super().__init__(f"{where}: {problem}.", f"Allowed: {allowed}.")


class OpenWebUIError(InstallError):
    pass


class Unreachable(OpenWebUIError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"Open WebUI does not answer at {url} ({why}).", "Start it, or correct --url.")


class NotOpenWebUI(OpenWebUIError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url} answers, but not as Open WebUI ({why}).",
            "Give --url the address that opens the chat in a browser, without a path.",
        )


class TooOld(OpenWebUIError):
    def __init__(self, version: str, minimum: str) -> None:
        super().__init__(f"Open WebUI {version} is too old.", f"Update it to {minimum} or newer.")


class FunctionsDisabled(OpenWebUIError):
    def __init__(self) -> None:
        super().__init__(
            "Functions are switched off in this Open WebUI.",
            "Start it with ENABLE_PLUGINS=true and ENABLE_FUNCTIONS=true.",
        )


class SignInRefused(OpenWebUIError):
    pass


class TooManySignIns(SignInRefused):
    def __init__(self, email: str) -> None:
        super().__init__(
            f"Open WebUI refuses further sign-ins for {email} for the moment.", "Wait three minutes, or use --token."
        )


class SecondFactorNeeded(SignInRefused):
    def __init__(self, email: str) -> None:
        super().__init__(
            f"{email} has to sign in with a second factor.",
            "Create an API key in Settings > Account and pass it with --token.",
        )


class NotAdministrator(SignInRefused):
    def __init__(self, who: str) -> None:
        super().__init__(f"{who} is not an administrator of this Open WebUI.", "Sign in as an administrator.")


class Refused(OpenWebUIError):
    """Open WebUI answered with an error status."""

    def __init__(self, method: str, path: str, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(
            f"Open WebUI refused {method} {path} with {status}: {detail}",
            "Its log says more; mend the cause and run the command again.",
        )


class GatewayError(InstallError):
    pass


class GatewayUnreachable(GatewayError):
    def __init__(self, url: str) -> None:
        super().__init__(
            f"Open WebUI cannot reach the gateway at {url}.",
            "Start the gateway, or give --gateway-url the address under which Open WebUI sees it "
            "(in containers: the service's name, not localhost).",
        )


class GatewayKeyRefused(GatewayError):
    def __init__(self, url: str) -> None:
        super().__init__(
            f"The gateway at {url} refuses the key.",
            "Create one with `sekisho keys create` and pass it with --gateway-key.",
        )


class GatewayAnswerUnusable(GatewayError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url}/models does not list models ({why}).", "Check --gateway-url; it usually ends with /v1."
        )


class ModelNotOffered(GatewayError):
    def __init__(self, name: str, offered: Iterable[str]) -> None:
        super().__init__(
            f"The manifest publishes the model {name}, which the gateway does not offer.",
            f"It offers: {', '.join(sorted(offered)) or 'none'}.",
        )


class GroupMissing(InstallError):
    def __init__(self, group: str, known: Iterable[str]) -> None:
        super().__init__(
            f"The manifest names the group {group}, which Open WebUI does not have.",
            f"Create it in Admin > Users > Groups; it has: {', '.join(sorted(known)) or 'none'}.",
        )


class PluginError(InstallError):
    pass


class PluginMissing(PluginError):
    def __init__(self, name: str, places: Iterable[Path]) -> None:
        super().__init__(
            f"There is no plugin file {name}.py (looked in {', '.join(map(str, places))}).",
            "Correct the name in the manifest, or pass the folder with --plugins.",
        )


class PluginUnreadable(PluginError):
    def __init__(self, path: Path, why: str, remedy: str) -> None:
        super().__init__(f"{path}: {why}.", remedy)


class PluginNeedsNewer(PluginError):
    def __init__(self, name: str, needed: str, version: str) -> None:
        super().__init__(
            f"The plugin {name} needs Open WebUI {needed}; this is {version}.",
            "Update Open WebUI, or take the plugin out of the manifest.",
        )


class EmbeddedError(InstallError):
    pass


class PortTaken(EmbeddedError):
    def __init__(self, port: int, what: str, option: str) -> None:
        super().__init__(
            f"Port {port}, where {what} should listen, is taken by another program.",
            f"Stop that program, or choose another port with {option}.",
        )


class DiskFull(EmbeddedError):
    def __init__(self, folder: Path, free_mib: int, needed_mib: int) -> None:
        super().__init__(
            f"{folder} has {free_mib} MiB free; {needed_mib} MiB are needed.",
            "Free some space, or choose another folder with --data.",
        )


class ModelDownloadFailed(EmbeddedError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"The model could not be fetched: {why}.",
            "Check the connection to the package index and its disk space, then run the command again.",
        )


class OpenWebUIMissing(EmbeddedError):
    def __init__(self, places: Iterable[Path]) -> None:
        super().__init__(
            f"Open WebUI is not installed (looked for {', '.join(map(str, places))}).",
            "Run `make .venv-open-webui`, or pass the program with --open-webui.",
        )


class PartDidNotStart(EmbeddedError):
    def __init__(self, name: str, why: str, log: Path, tail: str) -> None:
        super().__init__(f"{name} did not come up: {why}.", f"Its log is {log}; it ends with:\n{tail}")


class PartEnded(EmbeddedError):
    def __init__(self, name: str, code: int | None, log: Path) -> None:
        super().__init__(f"{name} ended with {code}.", f"Its log is {log}; run the command again to start anew.")


class CheckFailed(EmbeddedError):
    def __init__(self, what: str, logs: Path) -> None:
        super().__init__(f"The check failed: {what}.", f"The logs are in {logs}.")


class NotVerified(InstallError):
    def __init__(self, differing: Iterable[str]) -> None:
        super().__init__(
            f"Written, but it reads back differently: {'; '.join(differing)}.",
            "Somebody may have changed it at the same moment; run `sekisho plan` to see what is left.",
        )


class Drift(InstallError):
    exit_code = 3


class DriftFound(Drift):
    def __init__(self, pending: int, blocked: int) -> None:
        count = pending + blocked
        remedy = "`sekisho apply` puts it right"
        super().__init__(
            f"{count} {'thing differs' if count == 1 else 'things differ'} from the manifest.",
            f"{remedy}, with --force also what somebody else wrote." if blocked else f"{remedy}.",
        )


class LeftAlone(Drift):
    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"Left alone because somebody else wrote it: {', '.join(names)}.",
            "Save those changes elsewhere, then overwrite with `sekisho apply --force`.",
        )
