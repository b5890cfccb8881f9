"""What travels before a page can be read: its first view, from a server that compresses as common servers do."""

import gzip
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from thalweg.exercises import topics

LIMIT = 700_000  # bytes
WRITTEN = {".html", ".css", ".js", ".json", ".svg"}  # what servers compress; fonts and pictures are compressed already


class _Compressing(SimpleHTTPRequestHandler):
    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in WRITTEN or not path.is_file():
            return super().do_GET()
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def compressing(site):
    """The address of the site on a server that compresses."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Compressing, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", *topics()])
def test_the_first_view_is_light_and_asks_no_other_host(browser, compressing, name):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    addresses, sizes = {}, {}
    wire.on("Network.requestWillBeSent", lambda e: addresses.update({e["requestId"]: e["request"]["url"]}))
    wire.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    wire.send("Network.enable")
    page.goto(f"{compressing}chapters/{name}.html")
    if page.locator("article .math").count():
        page.wait_for_function("window.MathJax?.startup?.promise")
        page.evaluate("MathJax.startup.promise")
    page.wait_for_load_state("networkidle")
    context.close()
    table = sorted(((sizes.get(key, 0), address) for key, address in addresses.items()), reverse=True)
    total = sum(size for size, _ in table)
    written = "\n".join(f"{size / 1000:8.1f} KB  {address}" for size, address in table)
    assert total > 50_000, "the page did not load"
    assert total < LIMIT, f"{total / 1000:.0f} KB\n{written}"
    assert [address for _, address in table if not address.startswith((compressing, "data:", "blob:"))] == []
