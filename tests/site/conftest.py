"""A server for the built website, and its chapters in a real browser."""

import threading
from functools import partial
from http.server import ThreadingHTTPServer

import pytest
from files import Files
from playwright.sync_api import expect

SLOW = 60_000  # milliseconds; Python starts in five seconds on an idle machine


@pytest.fixture(scope="session")
def serve():
    """Serve a folder; the address, on this machine, that it gets."""
    servers = []

    def start(folder, handler=Files):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture(scope="session")
def address(site, serve):
    """The site's address."""
    return serve(site)


@pytest.fixture
def scriptless(browser):
    """A page of a browser that runs no scripts."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def runtime(pyodide, serve):
    """The address from which pages get Pyodide."""
    return serve(pyodide)


@pytest.fixture
def chapter(browser, address):
    """Open a chapter; its Python comes from ``runtime``, or from where the site says."""
    context = browser.new_context()
    context.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)

    def open_page(name, runtime=None):
        page = context.new_page()
        page.goto(f"{address}chapters/{name}.html")
        if runtime:
            page.evaluate(
                "address => { document.querySelector('script[data-runtime]').dataset.runtime = address }", runtime
            )
        return page

    yield open_page
    expect.set_options(timeout=5000)
    context.close()
