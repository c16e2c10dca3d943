"""Fixtures. The tests run against the project's sandbox, whose address is in LIFEPAY_SANDBOX."""

import os
import socket
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

import lifepay

APIKEY = "s3cr3t-apikey"
LOGIN = "79031234567"
# Magic values of the sandbox.
SLOW_PRINTER = "00000000000408"
RESETTING_PRINTER = "00000000000499"
FAILS_ONCE_PRINTER = "00000000000503"

Call = Dict[str, Any]


def needs(tool: bool, name: str) -> None:
    """Without the tool, skips the test, or fails it if LIFEPAY_REQUIRE_TOOLS is 1."""
    if not tool:
        assert os.environ.get("LIFEPAY_REQUIRE_TOOLS") != "1", f"{name} is not on this machine"
        pytest.skip(f"{name} is not on this machine")


@pytest.fixture(scope="session")
def sandbox() -> str:
    url = os.environ.get("LIFEPAY_SANDBOX")
    if not url:
        pytest.exit("LIFEPAY_SANDBOX is not set: cargo run -p lifepay-sandbox", 2)
    return url


@pytest.fixture
def call(sandbox: str) -> Call:
    """Arguments that every call needs."""
    return {"apikey": APIKEY, "login": LOGIN, "base_url": sandbox}


@pytest.fixture
def ext_id() -> str:
    """An ext_id that no other test uses, nor another run against the same sandbox."""
    return f"python-{uuid.uuid4()}"


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address without a server: the port is bound, so that no other program takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    accepted: List[socket.socket] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            try:
                while True:
                    accepted.append(server.accept()[0])
            except OSError:
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        # Closing the socket alone does not end accept.
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in accepted:
        connection.close()


class AcceptingServer:
    """A server that accepts every document on any path. It records the paths and bodies."""

    UUID = "dabe3833-43ff-5e5c-a45e-9cff664503fd"

    def __init__(self) -> None:
        self.requests: List[Tuple[str, str]] = []
        self.answer = f'{{"code":0,"message":"","data":{{"uuid":"{self.UUID}"}}}}'
        accepting = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                accepting.requests.append((self.path, body.decode("utf-8")))
                answer = accepting.answer.encode("utf-8")
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def accepting() -> Iterator[AcceptingServer]:
    started = AcceptingServer()
    # The server checks for shutdown at this interval, in seconds.
    thread = threading.Thread(target=started.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield started
    started.server.shutdown()
    thread.join()
    started.server.server_close()


@pytest.fixture
def outbox(call: Call, tmp_path: Path) -> Iterator[lifepay.Outbox]:
    with lifepay.Outbox(tmp_path / "shifts.db", **call) as opened:
        yield opened


@pytest.fixture
def run() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """A function that runs the text of a Python program."""

    def run_program(text: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", text],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run_program
