"""`sekisho serve`."""

from gateway.commands.common import DEFAULT, ServedConfigFile


def serve(config: ServedConfigFile = DEFAULT) -> None:
    """Run the gateway until it is told to stop (SIGTERM, Ctrl-C); running answers end first."""
    from gateway import server

    server.serve(config)
