"""`sekisho serve`."""

from gateway.commands.common import DEFAULT, ConfigFile


def serve(config: ConfigFile = DEFAULT) -> None:
    """Run the gateway until it is told to stop (SIGTERM, Ctrl-C); running answers end first."""
    from gateway import server

    server.serve(config)
