"""The servers of the tests: files of a folder, as static hosts give them out."""

import gzip
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

WRITTEN = {".html", ".css", ".js", ".json", ".svg"}  # what servers compress; fonts and pictures are compressed already


class Files(SimpleHTTPRequestHandler):
    """Pages of any address may use the files, as with GitHub Pages and CDNs."""

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
