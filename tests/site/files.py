"""The site's files: read by the tests, and served to them as static hosts give them out."""

import gzip
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from bs4 import BeautifulSoup

from thalweg.site import written

WRITTEN = {".html", ".css", ".js", ".json", ".svg"}  # what servers compress; fonts and pictures are compressed already


def read(path: Path) -> BeautifulSoup:
    """A page without its formulas and drawings, two thirds of its elements: it is read three times as fast."""
    return BeautifulSoup(written.lifted(path.read_text(encoding="utf-8"))[0], "html.parser")


class Files(SimpleHTTPRequestHandler):
    """Pages of any address may use the files, as with GitHub Pages and CDNs."""

    def handle(self):
        with suppress(ConnectionError):  # a page that is closed hangs up
            super().handle()

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *args):
        pass


class Compressed(Files):
    """The same, compressed as common servers do."""

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


def first_view(browser, address):
    """What travels until a page is quiet: bytes and address of each piece, the heaviest first."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    addresses, sizes = {}, {}
    wire.on("Network.requestWillBeSent", lambda e: addresses.update({e["requestId"]: e["request"]["url"]}))
    wire.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    wire.send("Network.enable")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    context.close()
    return sorted(((sizes.get(key, 0), address) for key, address in addresses.items()), reverse=True)
