"""What the client tests share: how to reach the running product, and clients for it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

HERE = Path(__file__).parent
MODERN = "2026-07-28"
LEGACY = "2025-11-25"
READY_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Facts:
    """What `patchbay up` writes to `up.json`."""

    graphql_url: str
    mcp_url: str
    api_key: str
    tenant: str


@dataclass(frozen=True)
class PythonServer:
    """A real MCP server, made with the official package."""

    url: str
    bearer: str


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=[MODERN, LEGACY])
def revision(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def facts() -> Facts:
    path = os.environ.get("PATCHBAY_UP_JSON")
    if not path:
        pytest.fail("PATCHBAY_UP_JSON is not set: run these tests by `make test`, or point it at the up.json of a running Patchbay")
    values = json.loads(Path(path).read_text())
    return Facts(**{name: values[name] for name in Facts.__dataclass_fields__})


@asynccontextmanager
async def connect(url: str, key: str | None, revision: str) -> AsyncIterator[Client]:
    """A connected client that speaks exactly this revision."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, timeout=30.0) as http:
        transport = streamable_http_client(url, http_client=http)
        mode = "legacy" if revision == LEGACY else revision
        async with Client(transport, mode=mode, cache=None) as client:
            yield client


@pytest.fixture
def graphql(facts: Facts) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """A function that sends a GraphQL request with the API key; errors fail the test."""

    def send(query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            facts.graphql_url,
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {facts.api_key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            pytest.fail(f"GraphQL answered {error.code}: {error.read().decode()}")
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    return send


def wait_for(what: str, ready: Callable[[], Any]) -> Any:
    """Polls until `ready` gives something, and returns that."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(POLL_SECONDS)
    pytest.fail(f"{what} did not happen within {READY_SECONDS:.0f} s")


SYNCED = """
query Synced { installs(first: 50) { nodes { id alias recordCount connector { slug } latestRun { state error } } } }
"""


@pytest.fixture
def documents(facts: Facts, graphql: Callable[..., dict[str, Any]]) -> str:
    """The alias of the file-system connector, once its documents are synced."""

    def synced() -> str | None:
        for install in graphql(SYNCED, {})["installs"]["nodes"]:
            run = install["latestRun"] or {}
            assert run.get("state") != "FAILED", f"the first sync failed: {run.get('error')}"
            if install["connector"]["slug"] == "files" and install["recordCount"] > 0 and run.get("state") == "SUCCEEDED":
                return install["alias"]
        return None

    return wait_for("the first sync of the documents", synced)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def python_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonServer]:
    """The official package's server as a process of its own; stopped at the end."""
    port, bearer = free_port(), "secret-of-the-python-server"
    log = tmp_path_factory.mktemp("python-server") / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "python_server.py"), str(port), bearer],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def listening() -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for("the start of the Python server", listening)
        yield PythonServer(url=f"http://127.0.0.1:{port}/mcp", bearer=bearer)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
