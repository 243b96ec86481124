"""A browser that a command opens: it is signed in by a cookie, says yes or no, and goes where it is sent.

`python browser.py COOKIE DECISION ADDRESS`
"""

import sys
from urllib.parse import urlsplit

from tests.console.person import Browser
from tests.install.client.signing_in.conftest import answered


def main(cookie: str, decision: str, address: str) -> None:
    parts = urlsplit(address)
    browser = Browser(f"{parts.scheme}://{parts.netloc}")
    browser.http.cookies.set("sekisho-session", cookie, domain=parts.hostname or "")
    sent = browser.get(f"{parts.path}?{parts.query}")
    if sent.status_code == 303 and sent.headers["location"].startswith("/"):
        sent = answered(browser, browser.get(sent.headers["location"]), decision)
    back = sent.headers["location"]
    assert back.startswith("http://127.0.0.1:")
    assert Browser(back).http.get(back).status_code == 200


if __name__ == "__main__":
    main(*sys.argv[1:])
