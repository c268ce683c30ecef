"""A real nginx on the shipped files, with scripted servers behind it instead of the product."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parent.parent
START_SECONDS = 20.0
REPLY_SECONDS = 10.0

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@dataclass
class Request:
    """What a scripted server got; the body stays in the reader."""

    method: str
    path: str
    headers: dict[str, str]
    reader: Reader
    writer: Writer

    async def body(self) -> bytes:
        if "content-length" in self.headers:
            return await self.reader.readexactly(int(self.headers["content-length"]))
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        return body

    async def answer(self, body: bytes = b"{}", status: str = "200 OK") -> None:
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()


@dataclass
class Scripted:
    """A server whose answers the test writes, on a port that nginx knows.

    One request for each connection: a kept connection would reach the script of an earlier test.
    """

    port: int
    script: Callable[[Request], Awaitable[None]] | None = None
    seen: list[Request] = field(default_factory=list)

    async def serve(self, reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            method, path, _ = (await reader.readuntil(b"\r\n")).decode().split(" ", 2)
            headers = {}
            while (line := (await reader.readline()).decode().strip()) != "":
                name, value = line.split(":", 1)
                headers[name.lower()] = value.strip()
            request = Request(method, path, headers, reader, writer)
            self.seen.append(request)
            if self.script is None:
                await request.answer()
            else:
                await self.script(request)
        writer.close()


@dataclass
class Nginx:
    """The running nginx."""

    port: int
    second_port: int
    certificate: Path
    log: Path
    api_port: int
    gateway_ports: list[int]

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    async def open(self, port: int | None = None) -> tuple[Reader, Writer]:
        connection = asyncio.open_connection("127.0.0.1", port or self.port, ssl=self.context(), server_hostname="localhost")
        return await asyncio.wait_for(connection, REPLY_SECONDS)

    async def exchange(self, request: bytes, port: int | None = None) -> tuple[int, bytes]:
        """Sends a whole request on a connection of its own: status and the rest of the answer."""
        reader, writer = await self.open(port)
        writer.write(request)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), REPLY_SECONDS)
        writer.close()
        return int(answer.split(b" ", 2)[1]), answer


@pytest.fixture(scope="session")
def nginx_program() -> str:
    program = os.environ.get("PATCHBAY_TEST_NGINX") or shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).is_file():
        pytest.fail("nginx is not installed: apt-get install nginx-light")
    return program


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", str(directory / "tls.key"), "-out", str(directory / "tls.crt")],
        check=True,
        capture_output=True,
    )
    return directory / "tls.crt"


def replace(text: str, old: str, new: str) -> str:
    assert old in text, f"the shipped file no longer has `{old}`"
    return text.replace(old, new)


def write_config(directory: Path, certificate: Path, ports: list[int], api: int, gateways: list[int]) -> Path:
    """The shipped files with ports, paths and servers of this test; everything else as it is."""
    shipped = {path.name: path.read_text() for path in (DEPLOY / "nginx").glob("*.conf")}
    main = re.sub(r"/tmp/", f"{directory}/", shipped["nginx.conf"])
    main = replace(main, "/dev/stdout", str(directory / "access.log"))
    main = replace(main, "/dev/stderr", str(directory / "error.log"))
    server = replace(shipped["server.conf"], "listen 443 ", f"listen 127.0.0.1:{ports[0]} ")
    server = replace(server, "listen 8443 ", f"listen 127.0.0.1:{ports[1]} ")
    server = replace(server, "/etc/nginx/tls/", f"{certificate.parent}/")
    upstreams = replace(shipped["upstreams.conf"], "server api:8080", f"server 127.0.0.1:{api}")
    second = f"server 127.0.0.1:{gateways[1]} max_fails=2 fail_timeout=5s;\n    server 127.0.0.1:{gateways[0]}"
    upstreams = replace(upstreams, "server gateway:8080", second)
    rewritten = {"nginx.conf": main, "server.conf": server, "upstreams.conf": upstreams}
    for name, text in (shipped | rewritten).items():
        (directory / name).write_text(text)
    return directory / "nginx.conf"


@pytest.fixture(scope="session")
def nginx(nginx_program: str, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    directory = tmp_path_factory.mktemp("nginx")
    port, second_port, api, *gateways = free_ports(5)
    config = write_config(directory, certificate, [port, second_port], api, gateways)
    arguments = [nginx_program, "-p", str(directory), "-c", str(config), "-e", str(directory / "error.log")]
    # As root nginx would give its workers to a user that cannot see this directory.
    globals_ = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    checked = subprocess.run([*arguments, "-t", "-g", globals_], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([*arguments, "-g", globals_], stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, (directory / "error.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.02)
        yield Nginx(port, second_port, certificate, directory / "access.log", api, gateways)
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextlib.asynccontextmanager
async def scripted(*servers: Scripted) -> AsyncIterator[None]:
    """Lets the servers listen."""
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            listener = await asyncio.start_server(server.serve, "127.0.0.1", server.port)
            stack.callback(listener.close)
        yield
