"""A peer that runs, and what can be done to it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import load, nginx, streams
from tests.bench.install import debian
from tests.bench.load import Load
from tests.bench.measure import cores, cpu_seconds, resident_mib
from tests.bench.peers import CHAT_PATH, Command, Launch, Peer, Place
from tests.bench.processes import Probe, started, wait_for
from tests.bench.streams import Streams
from tests.fakes.serving import free_port

_LOOPBACK = {"no_proxy": "*", "NO_PROXY": "*"}
_SETTLE_SECONDS = 0.5
_STREAM_PATIENCE = 120


@dataclass(frozen=True)
class Effort:
    """How long everything takes. Times in seconds."""

    runs: int
    """The figure is the median of so many."""
    seconds: float
    """Of each run under full load."""
    warm_up: float
    streams: int
    chunks: int
    """Of each stream."""
    rate: float
    """Chunks a second of each stream."""
    soak: float


FULL = Effort(runs=3, seconds=8, warm_up=3, streams=100, chunks=200, rate=80, soak=600)
QUICK = Effort(runs=1, seconds=2, warm_up=1, streams=100, chunks=200, rate=80, soak=20)


@dataclass(frozen=True)
class Site:
    """What all peers have in common. The upstreams run already."""

    folder: Path
    source: Path
    static: list[int]
    paced: list[int]
    effort: Effort


@contextmanager
def upstreams(folder: Path, source: Path, effort: Effort) -> Iterator[Site]:
    """nginx with static answers and the paced streams, on two ports each."""
    static, paced = [free_port(), free_port()], [free_port(), free_port()]
    nginx_folder = folder / "upstream"
    arguments = nginx.static(nginx_folder, static)
    with ExitStack() as stack:
        log = folder / "upstream.log"
        stack.enter_context(started([debian("nginx", "nginx-light"), *arguments], log=log, cores=cores()[1]))
        stack.enter_context(paced_upstream(paced, log, "--chunks", str(effort.chunks), "--rate", str(effort.rate)))
        yield Site(folder, source, static, paced, effort)


@contextmanager
def paced_upstream(ports: list[int], log: Path, *options: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.bench.upstream", *map(str, ports), *options]
    with started(command, log=log, cores=cores()[1]) as process:
        wait_for(process, log, Probe(ports[-1], "/stats"), 10)
        yield


class Running:
    """A peer's processes: started when they are first asked for something."""

    def __init__(self, peer: Peer, site: Site) -> None:
        self.peer = peer
        self.site = site
        self.effort = site.effort
        self.folder = site.folder / peer.name
        self.launch: Launch = peer.prepare(Place(self.folder, site.static, site.paced, site.source))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "output.log"
        self._stack = ExitStack()
        self._pids: list[int] = []
        self._warm: set[str] = set()

    def restart(self) -> float:
        """Start, or stop and start; gives the seconds until the first request was answered."""
        self.stop()
        begun = time.perf_counter()
        processes = [self._stack.enter_context(self._started(command)) for command in self.launch.commands]
        self._pids = [process.pid for process in processes]
        for process, way in zip(processes, (self.launch.static, self.launch.paced), strict=False):
            probe = Probe(way.port, CHAT_PATH, "POST", way.bodies("Hello", 1)[0], way.headers)
            wait_for(process, self.log, probe, self.launch.start_seconds)
        return time.perf_counter() - begun

    def stop(self) -> None:
        self._stack.close()
        self._pids, self._warm = [], set()

    def load(self, prompt: str, connections: int, most_bodies: int | None = None) -> tuple[Load, float]:
        """Full load of whole answers, and the CPU seconds that it cost."""
        self._ensure()
        way = self.launch.static
        bodies = way.bodies(prompt, most_bodies)

        def once(seconds: float) -> Load:
            return load.run(
                way.port,
                CHAT_PATH,
                way.headers,
                bodies,
                connections=connections,
                seconds=seconds,
                cores=cores()[1],
                folder=self.folder,
            )

        if self._cold(f"load of {len(prompt)}"):
            once(self.effort.warm_up)
        before = cpu_seconds(self._pids)
        done = once(self.effort.seconds)
        return done, cpu_seconds(self._pids) - before

    def streams(self, stagger: float, only_first: bool = False) -> tuple[Streams, float]:
        """Streams from the paced upstream, and the CPU seconds that they cost."""
        self._ensure()
        way = self.launch.paced
        bodies = way.bodies("Tell me about checkpoints.", stream=True)

        def once(count: int) -> Streams:
            return streams.run(
                way.port,
                CHAT_PATH,
                way.headers,
                bodies,
                count=count,
                stagger=stagger,
                only_first=only_first,
                seconds=_STREAM_PATIENCE,
                cores=cores()[1],
            )

        if self._cold("streams"):
            once(self.effort.streams)
        time.sleep(_SETTLE_SECONDS)
        before = cpu_seconds(self._pids)
        done = once(self.effort.streams)
        return done, cpu_seconds(self._pids) - before

    def resident_mib(self) -> float:
        self._ensure()
        return resident_mib(self._pids)

    def _ensure(self) -> None:
        if not self._pids:
            self.restart()

    def _cold(self, what: str) -> bool:
        """Whether this is the first time since the start: then it is warmed up."""
        cold = what not in self._warm
        self._warm.add(what)
        return cold

    def _started(self, command: Command) -> AbstractContextManager["subprocess.Popen[bytes]"]:
        env = {**_LOOPBACK, **command.env}
        return started(command.arguments, log=self.log, cores=cores()[0], env=env, cwd=command.cwd)
