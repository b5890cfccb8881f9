"""A server for the built website, and a real browser without a network."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --host-resolver-rules=MAP\\ *\\ ~NOTFOUND\\ ,\\ EXCLUDE\\ 127.0.0.1"
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def address(site):
    """The site's address on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser(chromium):
    """Headless Chromium; every host but this machine is unknown to it."""
    with sync_playwright() as playwright:
        flags = [flag.replace("\\ ", " ") for flag in FLAGS.replace("\\ ", "\0").split(" ")]
        browser = playwright.chromium.launch(executable_path=chromium, args=[f.replace("\0", " ") for f in flags])
        yield browser
        browser.close()
