"""What nginx must do for MCP and GraphQL, and must never do."""

import asyncio
import base64
import json
import os
import ssl
import time

import pytest
from conftest import REPLY_SECONDS, Nginx, Request, Scripted, scripted

pytestmark = pytest.mark.anyio

HEAD = b"POST /t/demo/mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


async def read_until(reader: asyncio.StreamReader, mark: bytes) -> bytes:
    return await asyncio.wait_for(reader.readuntil(mark), REPLY_SECONDS)


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_both_ports_pass_mcp_to_the_gateway_and_the_rest_to_the_api(nginx: Nginx) -> None:
    api, gateway = Scripted(nginx.api_port), [Scripted(port) for port in nginx.gateway_ports]
    async with scripted(api, *gateway):
        for port in (nginx.port, nginx.second_port):
            assert (await nginx.exchange(post("/t/demo/mcp", b""), port))[0] == 200
            assert (await nginx.exchange(post("/graphql", b"{}"), port))[0] == 200
            assert (await nginx.exchange(b"GET /installs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", port))[0] == 200
    assert [request.path for server in gateway for request in server.seen] == ["/t/demo/mcp"] * 2
    assert [request.path for request in api.seen] == ["/graphql", "/installs"] * 2


async def test_event_arrives_while_the_stream_is_still_open(nginx: Nginx) -> None:
    client_has_it = asyncio.Event()

    async def stream(request: Request) -> None:
        request.writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n")
        request.writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
        request.writer.write(b"9\r\ndata: 1\n\n\r\n")
        await request.writer.drain()
        # The rest is sent only when the client has seen the first event: a buffer in between would hang here.
        await asyncio.wait_for(client_has_it.wait(), REPLY_SECONDS)
        request.writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        await request.writer.drain()

    servers = [Scripted(port, stream) for port in nginx.gateway_ports]
    async with scripted(*servers):
        reader, writer = await nginx.open()
        writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
        await read_until(reader, b"data: 1\n\n")
        client_has_it.set()
        await read_until(reader, b"data: 2\n\n")
        writer.close()


async def test_request_body_is_passed_on_while_it_comes(nginx: Nginx) -> None:
    server_has_it = asyncio.Event()

    async def reads(request: Request) -> None:
        await request.reader.readuntil(b"first")
        server_has_it.set()
        await request.reader.readuntil(b"second")
        await request.answer()

    async with scripted(*[Scripted(port, reads) for port in nginx.gateway_ports]):
        reader, writer = await nginx.open()
        writer.write(HEAD + b"Content-Length: 11\r\n\r\nfirst")
        await writer.drain()
        await asyncio.wait_for(server_has_it.wait(), REPLY_SECONDS)
        writer.write(b"second")
        await read_until(reader, b"200 OK")
        writer.close()


async def test_call_that_dies_with_its_server_is_not_repeated_on_another(nginx: Nginx) -> None:
    async def dies(request: Request) -> None:
        await request.body()
        request.writer.transport.abort()

    servers = [Scripted(port, dies) for port in nginx.gateway_ports]
    async with scripted(*servers):
        status, _ = await nginx.exchange(post("/t/demo/mcp", b'{"method":"tools/call"}'))
    assert status == 502
    assert sum(len(server.seen) for server in servers) == 1


async def test_claims_of_the_client_about_itself_are_overwritten(nginx: Nginx) -> None:
    forged = ["X-Forwarded-For: 10.1.2.3", "X-Forwarded-Proto: ftp", "X-Real-IP: 10.1.2.3", "Forwarded: for=10.1.2.3"]
    forged += ["X-Request-Id: chosen-by-me", "X-Forwarded-Host: evil.example"]
    api, gateways = Scripted(nginx.api_port), [Scripted(port) for port in nginx.gateway_ports]
    async with scripted(api, *gateways):
        for path in ("/t/demo/mcp", "/graphql", "/graphql/ws"):
            request = post(path, b"", *forged).replace(b"Host: localhost", b"Host: localhost:8443")
            await nginx.exchange(request)
    seen = [request for server in (api, *gateways) for request in server.seen]
    assert len(seen) == 3
    for request in seen:
        assert request.headers["x-forwarded-for"] == "127.0.0.1"
        assert request.headers["x-forwarded-proto"] == "https"
        # The api refuses every host but the public one, and the console's port is a part of its origin.
        assert request.headers["host"] == "localhost:8443"
        assert request.headers["x-forwarded-host"] == "localhost:8443"
        assert len(request.headers["x-request-id"]) == 32
        assert not {"forwarded", "x-real-ip"} & request.headers.keys()


async def test_host_of_http_2_passes_too(nginx: Nginx) -> None:
    api = Scripted(nginx.api_port)
    address = f"localhost:{nginx.port}"
    async with scripted(api):
        curl = ["curl", "--silent", "--http2", "--cacert", str(nginx.certificate), "--write-out", "%{http_version}"]
        process = await asyncio.create_subprocess_exec(
            *curl, "--output", os.devnull, f"https://{address}/installs", stdout=asyncio.subprocess.PIPE
        )
        version, _ = await asyncio.wait_for(process.communicate(), REPLY_SECONDS)
    assert version == b"2"
    [request] = api.seen
    assert request.headers["host"] == address


async def test_headers_of_mcp_pass_unchanged(nginx: Nginx) -> None:
    headers = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: docs__read_file"]
    headers += ["Mcp-Param-Region: eu", "Authorization: Bearer key", "Mcp-Session-Id: abc", "Origin: https://a.example"]
    servers = [Scripted(port) for port in nginx.gateway_ports]
    async with scripted(*servers):
        await nginx.exchange(post("/t/demo/mcp", b"", *headers))
    [request] = [request for server in servers for request in server.seen]
    for header in headers:
        name, value = header.split(": ", 1)
        assert request.headers[name.lower()] == value


async def test_websocket_passes_both_ways(nginx: Nginx) -> None:
    async def upgrade(request: Request) -> None:
        assert request.headers["upgrade"] == "websocket"
        assert request.headers["connection"].lower() == "upgrade"
        protocol = request.headers["sec-websocket-protocol"]
        request.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        request.writer.write(f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode())
        request.writer.write(await request.reader.readexactly(4))
        await request.writer.drain()
        request.writer.close()

    async with scripted(Scripted(nginx.api_port, upgrade)):
        reader, writer = await nginx.open()
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /graphql/ws HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: graphql-transport-ws"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = await read_until(reader, b"\r\n\r\n")
        assert b" 101 " in head and b"graphql-transport-ws" in head
        writer.write(b"ping")
        assert await asyncio.wait_for(reader.readexactly(4), REPLY_SECONDS) == b"ping"
        writer.close()


@pytest.mark.parametrize(("path", "limit"), [("/t/demo/mcp", 4 * 1024 * 1024), ("/graphql", 256 * 1024)])
async def test_body_over_the_limit_is_refused_before_any_server_sees_it(nginx: Nginx, path: str, limit: int) -> None:
    servers = [Scripted(port) for port in (nginx.api_port, *nginx.gateway_ports)]
    async with scripted(*servers):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {limit + 1}\r\n\r\n"
        reader, writer = await nginx.open()
        writer.write(head.encode())
        assert b" 413 " in await read_until(reader, b"\r\n")
        writer.close()
    assert not any(server.seen for server in servers)


async def test_metrics_are_not_for_the_public(nginx: Nginx) -> None:
    api = Scripted(nginx.api_port)
    async with scripted(api):
        status, _ = await nginx.exchange(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status == 404
    assert api.seen == []


async def test_flood_on_graphql_is_slowed_down(nginx: Nginx) -> None:
    async with scripted(Scripted(nginx.api_port)):
        statuses = await asyncio.gather(*(nginx.exchange(post("/graphql", b"{}")) for _ in range(260)))
    counts = {status for status, _ in statuses}
    assert counts == {200, 429}


async def test_log_has_no_sign_in_token_and_no_arguments(nginx: Nginx) -> None:
    async with scripted(Scripted(nginx.api_port)):
        for path in ("/sign-in/very-secret-token", "/installs?key=secret-argument"):
            await nginx.exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    deadline = time.monotonic() + REPLY_SECONDS
    while "/installs" not in (text := nginx.log.read_text()):
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.02)
    assert "/sign-in/-" in text
    assert "secret" not in text
    assert all(json.loads(line)["request_id"] for line in text.splitlines())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_offers_http_2_and_refuses_what_is_old(nginx: Nginx) -> None:
    modern = nginx.context()
    modern.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", nginx.port, ssl=modern, server_hostname="localhost")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.close()
    old = nginx.context()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", nginx.port, ssl=old, server_hostname="localhost")
