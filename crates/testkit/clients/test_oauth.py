"""The official Python client signs in by OAuth, with nothing but the endpoint's address, and a person in a browser allows it."""

import asyncio
import html
import json
import os
import re
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from conftest import LEGACY, Facts
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

pytestmark = pytest.mark.anyio
REDIRECT = "http://localhost:3030/callback"


class Person:
    """A browser that is signed in, and whoever sits in front of it."""

    def __init__(self, base: str, cookie: str) -> None:
        self.base = base
        self.cookie = cookie
        self.pages: list[str] = []

    async def allow(self, url: str) -> str:
        """Opens the consent page and presses its button; gives where the browser is sent."""
        async with httpx2.AsyncClient(headers={"Cookie": self.cookie}, follow_redirects=False) as browser:
            page = await browser.get(url)
            assert page.status_code == 200, page.text
            self.pages.append(page.text)
            fields = {
                html.unescape(name): html.unescape(value)
                for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
            }
            path = urllib.parse.urlsplit(url).path
            answer = await browser.post(self.base + path, data={**fields, "decision": "allow"})
            assert answer.status_code == 303, answer.text
            return answer.headers["location"]


class Storage:
    """What a client keeps."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@pytest.fixture(scope="session")
def person() -> Person:
    """The owner, who uses the one-time link once for all tests."""
    facts = json.loads(Path(os.environ["PATCHBAY_UP_JSON"]).read_text())
    link = facts["sign_in_url"]
    signed_in = httpx2.post(link, follow_redirects=False)
    assert signed_in.status_code == 303, signed_in.text
    cookie = signed_in.headers["set-cookie"].split(";")[0]
    parts = urllib.parse.urlsplit(link)
    return Person(f"{parts.scheme}://{parts.netloc}", cookie)


@asynccontextmanager
async def signed_in(facts: Facts, person: Person, storage: Storage, revision: str) -> AsyncIterator[Client]:
    sent_to: list[str] = []

    async def redirect(url: str) -> None:
        sent_to.append(await person.allow(url))

    async def callback() -> AuthorizationCodeResult:
        answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent_to[-1]).query))
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    metadata = OAuthClientMetadata(client_name="Python client", redirect_uris=[REDIRECT])
    auth = OAuthClientProvider(facts.mcp_url, metadata, storage, redirect, callback)
    async with httpx2.AsyncClient(auth=auth, timeout=30.0) as http:
        mode = "legacy" if revision == LEGACY else revision
        async with Client(streamable_http_client(facts.mcp_url, http_client=http), mode=mode, cache=None) as client:
            yield client


async def test_client_that_knows_the_address_alone_signs_in_and_calls(
    facts: Facts, person: Person, revision: str, documents: str
) -> None:
    storage = Storage()
    async with signed_in(facts, person, storage, revision) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert f"{documents}__read_file" in tools
        found = await client.call_tool("search", {"query": "patchbay"})
        assert not found.is_error
    assert "Python client" in person.pages[-1] and "registered itself" in person.pages[-1]


async def test_client_comes_back_without_asking_again(facts: Facts, person: Person, revision: str) -> None:
    storage = Storage()
    async with signed_in(facts, person, storage, revision) as client:
        await client.list_tools()
    asked = len(person.pages)
    assert storage.tokens is not None and storage.tokens.refresh_token
    # As after its ten minutes: the token is none any more, the refresh token still is one.
    storage.tokens = storage.tokens.model_copy(update={"expires_in": -1})
    async with signed_in(facts, person, storage, revision) as client:
        assert (await client.list_tools()).tools
    assert len(person.pages) == asked


async def test_client_that_was_shut_out_is_refused_within_two_seconds(facts: Facts, person: Person) -> None:
    storage = Storage()
    async with signed_in(facts, person, storage, LEGACY) as client:
        await client.list_tools()
    assert storage.tokens is not None and storage.client is not None
    token = storage.tokens.access_token
    base = urllib.parse.urljoin(facts.graphql_url, "/")
    async with httpx2.AsyncClient() as http:
        metadata = (await http.get(f"{base}.well-known/oauth-authorization-server/oauth/{facts.tenant}")).json()
        given_back = await http.post(
            metadata["revocation_endpoint"], data={"token": token, "client_id": storage.client.client_id}
        )
        assert given_back.status_code == 200

        async def status() -> int:
            body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
            return (await http.post(facts.mcp_url, json=body, headers=headers)).status_code

        async with asyncio.timeout(2):
            while await status() != 401:
                await asyncio.sleep(0.05)
