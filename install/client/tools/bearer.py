"""The key as a header."""

from install.client.setup import Setup


def bearer(setup: Setup) -> dict[str, str]:
    return {"Authorization": f"Bearer {setup.secret()}"}
