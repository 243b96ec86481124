"""The parts of a gateway process that outlive a request, and the swap to a new configuration."""

import asyncio
import logging

from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.admission import Gate
from gateway.affinity import Affinity
from gateway.bodies import Bodies
from gateway.config.load import Loaded
from gateway.config.schema import Config
from gateway.continuations.choose import continuations_of
from gateway.credentials import CredentialsWatch
from gateway.db.engine import closed, open_database
from gateway.db.expiring import ExpiringStore
from gateway.errors import SekishoError
from gateway.fetching.fetcher import MediaFetcher
from gateway.identity.hashing import keyed_hash
from gateway.identity.keys import KeyStore, audit_of, hash_secret
from gateway.latest_wins import LatestWins
from gateway.ledger.contents import Contents
from gateway.ledger.writer import SegmentWriter
from gateway.limits.choose import limiter_of
from gateway.limits.limit import Limiter, OnFailure
from gateway.maintenance.scheduler import MaintenanceScheduler
from gateway.metrics.live import MachineCollector, ProcessCollector
from gateway.metrics.metrics import Metrics
from gateway.notices.once import ToldOnce
from gateway.plan import Snapshot
from gateway.providers.authorizing import API_KEY
from gateway.retries import RetryBudget
from gateway.routing.routes import build_routes
from gateway.routing.target import Health, Target
from gateway.serving.connections import Connections
from gateway.tracing import Tracing
from gateway.upstream.client import UpstreamClient

log = logging.getLogger("sekisho")


class Runtime:
    """Starts, swaps and stops the parts that outlive a request."""

    def __init__(self, loaded: Loaded) -> None:
        config = loaded.config
        self._health: dict[str, Health] = {}
        self._secret = hash_secret(config)
        self._engine: AsyncEngine | None = None
        self.current = Snapshot(config, build_routes(config, self._health))
        self.document = loaded.document
        """The document that the configuration was read from; its files are watched for changes."""
        self.ledger = SegmentWriter(config.data_dir, config.ledger)
        self.contents = Contents(config.data_dir, config.ledger.content)
        self._maintenance = MaintenanceScheduler(config, loaded.document.files[0])
        self.client = UpstreamClient(config.server.outbound_proxy, config.server.no_proxy, config.server.custom_ca)
        self.fetcher = MediaFetcher(config.server.custom_ca)
        self.gate = Gate(config.admission)
        self.affinity = Affinity()
        self.retries = RetryBudget()
        self.latest_wins = LatestWins()
        self.continuations = continuations_of(config)
        on_failure: OnFailure = "open" if config.shared_state_failure == "fail_open" else "closed"
        self.limiter: Limiter = limiter_of(config, on_failure, loaded.document.files[0])
        self.told = ToldOnce()
        self.metrics = Metrics()
        self.metrics.watch(self._process_collector(), MachineCollector(self.ledger))
        self.keys: KeyStore
        self.expiring: ExpiringStore
        self.credentials = CredentialsWatch(lambda: self.current.routes.all_targets())
        self.tracing = Tracing(config.telemetry) if config.telemetry else None
        self.connections = Connections(lambda: self.current.config.server)
        self.bodies = Bodies(lambda: self.current.config.server.max_bodies_bytes)
        self.stopping = False
        self.failed: SekishoError | None = None
        """The error that kept the process from starting."""

    async def start(self) -> None:
        """Open database, ledger and clients. Raises `ConfigError` where one cannot be had."""
        self._engine = await open_database(self.current.config)
        self.keys = KeyStore(self._engine, self._secret, audit_of(self.current.config))
        self.expiring = ExpiringStore(self._engine, self._secret)
        await self.keys.start()
        await self.limiter.start()
        self.ledger.start()
        self.contents.start()
        self._maintenance.start()
        self.credentials.start()
        self.metrics.start()

    def _process_collector(self) -> ProcessCollector:
        probes = {
            "sekisho_key_database_up": (
                "0 while the database of keys does not answer.",
                lambda: self.keys.healthy,
            ),
            "sekisho_shared_state_up": ("0 while the shared state is away.", lambda: self.limiter.healthy),
        }
        return ProcessCollector(self.gate, lambda: self.current.routes.all_targets(), self.ledger, probes)

    def begin_stop(self) -> None:
        """Tell balancers, through /readyz, to send no new requests."""
        self.stopping = True

    async def stop(self) -> None:
        self.begin_stop()
        await self.credentials.stop()
        await self.metrics.stop()
        await self.client.stop()
        await self.keys.stop()
        await self._maintenance.stop()
        self.ledger.stop()
        await asyncio.to_thread(self.contents.stop)
        if self.tracing:
            await asyncio.to_thread(self.tracing.stop)
        await self.limiter.stop()
        await self.continuations.stop()
        if self._engine:
            await closed(self._engine)

    def swap(self, loaded: Loaded) -> None:
        """Swap in a new configuration: new requests use it at once, running ones keep the old."""
        fixed = _needs_restart(self.current.config, loaded.config)
        if fixed:
            log.warning("changed, but only a restart applies it: %s", ", ".join(fixed))
        self.current = Snapshot(loaded.config, build_routes(loaded.config, self._health))
        self.keys.derived.clear()
        self.document = loaded.document
        self.gate.settings = loaded.config.admission

    def pseudonym(self, user_id: str) -> str:
        """Return a person's pseudonym for providers: stable and irreversible."""
        return "u_" + keyed_hash(self._secret, f"pseudonym:{user_id}").hex()[:32]

    def credentials_name(self, target: Target) -> str:
        """Return where what signs a deployment's requests is from, for the log: a profile, a file, a variable."""
        name, number = target.credentials_name, int(target.public_name.rpartition("/")[2]) - 1
        models = [model.name for model in self.current.config.models]
        at = models.index(target.model.name) if target.model.name in models else -1
        place = self.document.places.get(("models", at, "deployments", number, "api_key"))
        used = place.variables if place and name == API_KEY else ()
        return f"{name} ({', '.join(used)})" if used else name

    def problems(self) -> list[str]:
        """Return why this process should get no new requests; empty if it is ready."""
        checks = {
            "stopping": self.stopping,
            "the ledger cannot be written": not self.ledger.healthy,
            "the shared state is away": not self.limiter.healthy
            and self.current.config.shared_state_failure != "fail_open",
        }
        return [problem for problem, present in checks.items() if present]

    def warnings(self) -> list[str]:
        """Return what an administrator should look at although requests are served."""
        checks = {
            "the key database does not answer; known keys work, new ones do not": not self.keys.healthy,
            "the shared state is away; limits are counted here alone": not self.limiter.healthy
            and self.current.config.shared_state_failure == "fail_open",
        }
        found = [warning for warning, present in checks.items() if present]
        return [*found, *filter(None, [self.credentials.warning])]


def _needs_restart(old: Config, new: Config) -> list[str]:
    server = ("host", "port", "workers", "outbound_proxy", "no_proxy", "custom_ca")
    changed = [f"server.{name}" for name in server if getattr(old.server, name) != getattr(new.server, name)]
    whole = ("data_dir", "database", "shared_state", "shared_state_failure", "key_secret", "ledger", "telemetry")
    return changed + [name for name in whole if getattr(old, name) != getattr(new, name)]
