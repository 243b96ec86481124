"""The loop behind `sekisho dev`: look, check, push, say so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from gateway.errors import SekishoError
from install.kit import screen
from install.kit.check import plugin_files
from install.kit.finding import Language
from install.kit.logs import Log
from install.kit.push import Pusher
from install.kit.watch import saved

HOW_TO_SEE_THE_LOG = "Its log: start `open-webui serve > open-webui.log 2>&1` and pass --log open-webui.log."


@dataclass
class Bench:
    """`log` is followed for lines of what was pushed."""

    pusher: Pusher
    out: Console
    language: Language
    log: Log | None = None
    _ids: set[str] = field(default_factory=set)

    def push_all(self, paths: Sequence[Path]) -> int:
        """Push all files; return how many were kept back."""
        self.pusher.look()
        return sum(not self.push(path) for path in plugin_files(paths))

    def watch(self, paths: Sequence[Path]) -> int:
        """Push each file that is saved, until somebody interrupts it."""
        self.pusher.look()
        self.out.print(Text(f"Watching {', '.join(map(str, paths))} for {self.pusher.client.url}. Ctrl-C ends it."))
        if self.log is None:
            self.out.print(Text(HOW_TO_SEE_THE_LOG, "dim"))
        for changed in saved(paths):
            for path in changed:
                self.push(path)
            self.show_log()
        return 0

    def push(self, path: Path) -> bool:
        """Push a file; return whether Open WebUI has it now. An error is printed, and the next save tries again."""
        self._ids.add(path.stem)
        try:
            result = self.pusher.push(path)
        except SekishoError as error:
            self.out.print(Text.assemble(("failed  ", "bold red"), f"{path}\n    {error}"))
            return False
        for finding in result.findings:
            self.out.print(screen.finding(path, finding, self.language))
        self.out.print(screen.pushed(result))
        return not result.stopped

    def show_log(self) -> None:
        for line in self.log.new(self._ids) if self.log else ():
            self.out.print(Text(f"  {line}", "dim"))
