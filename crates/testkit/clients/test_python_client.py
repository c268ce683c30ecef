"""The official Python client against the running product, in both revisions."""

import json

import httpx2
import pytest
from conftest import LEGACY, MODERN, Facts, connect
from mcp import Client, MCPError
from mcp.types import CallToolResult, TextContent, TextResourceContents

pytestmark = pytest.mark.anyio

# A word that the product's own documents have.
WORD = "connector"


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def all_resources(client: Client) -> list[str]:
    uris, cursor = [], None
    while True:
        page = await client.list_resources(cursor=cursor)
        uris += [str(resource.uri) for resource in page.resources]
        cursor = page.next_cursor
        if cursor is None:
            return uris


async def test_client_negotiates_the_revision_it_asks_for(facts: Facts, revision: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        assert client.session.protocol_version == revision


async def test_client_that_leaves_the_choice_open_gets_the_newest_revision(facts: Facts) -> None:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {facts.api_key}"}) as http:
        from mcp.client.streamable_http import streamable_http_client

        async with Client(streamable_http_client(facts.mcp_url, http_client=http), mode="auto") as client:
            assert client.session.protocol_version == MODERN


async def test_tools_are_listed_with_their_schemas(facts: Facts, revision: str, documents: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert {"search", "fetch", f"{documents}__list_files"} <= tools.keys()
    for tool in tools.values():
        assert tool.input_schema["type"] == "object", tool.name
        assert tool.description, tool.name


async def test_search_finds_a_document_and_fetch_returns_it(facts: Facts, revision: str, documents: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        found = await client.call_tool("search", {"query": WORD})
        assert not found.is_error, text_of(found)
        results = found.structured_content["results"]
        assert results, "the search found nothing"
        assert json.loads(text_of(found)) == found.structured_content
        fetched = await client.call_tool("fetch", {"id": results[0]["id"]})
    assert not fetched.is_error, text_of(fetched)
    document = fetched.structured_content
    assert document["id"] == results[0]["id"]
    assert document["title"] == results[0]["title"]
    assert WORD in document["text"].lower()


async def test_tool_of_the_files_connector_answers_live(facts: Facts, revision: str, documents: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        listed = await client.call_tool(f"{documents}__list_files", {})
    assert not listed.is_error, text_of(listed)
    assert ".md" in text_of(listed)


async def test_arguments_against_the_schema_are_an_error_for_the_model(
    facts: Facts, revision: str, documents: str
) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        refused = await client.call_tool(f"{documents}__list_files", {"limit": "many"})
    assert refused.is_error
    assert "limit" in text_of(refused)


async def test_unknown_tool_is_an_error_of_the_protocol(facts: Facts, revision: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("docs__no_such_tool", {})
    assert raised.value.code == -32602


async def test_synced_documents_are_resources(facts: Facts, revision: str, documents: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        uris = await all_resources(client)
        ours = [uri for uri in uris if uri.startswith(f"patchbay://{documents}/files/")]
        assert ours, uris
        read = await client.read_resource(ours[0])
    contents = read.contents[0]
    assert isinstance(contents, TextResourceContents)
    assert str(contents.uri) == ours[0]
    assert contents.text


async def test_unknown_resource_has_the_code_of_the_revision(facts: Facts, revision: str, documents: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(f"patchbay://{documents}/files/no-such-file.md")
    assert raised.value.code == (-32602 if revision == MODERN else -32002)


async def test_template_says_how_documents_are_addressed(facts: Facts, revision: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        templates = (await client.list_resource_templates()).resource_templates
    assert any(template.uri_template.startswith("patchbay://") for template in templates), templates


async def test_unknown_prompt_is_refused_and_prompts_are_listed(facts: Facts, revision: str) -> None:
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert "no_such_prompt" not in names
        with pytest.raises(MCPError) as raised:
            await client.get_prompt("no_such_prompt")
    assert raised.value.code == -32602


@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
async def test_ping_belongs_to_the_legacy_revision(facts: Facts) -> None:
    async with connect(facts.mcp_url, facts.api_key, LEGACY) as client:
        await client.send_ping()


async def test_wrong_key_is_refused(facts: Facts, revision: str) -> None:
    wrong = facts.api_key[:-4] + ("AAAA" if not facts.api_key.endswith("AAAA") else "BBBB")
    for key in (wrong, None):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        meta = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
        modern = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
        legacy = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
        }
        headers |= {"Accept": "application/json, text/event-stream"}
        if revision == MODERN:
            headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}
        async with httpx2.AsyncClient() as http:
            reply = await http.post(facts.mcp_url, json=modern if revision == MODERN else legacy, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Bearer")


async def test_client_with_a_wrong_key_gets_no_tools(facts: Facts, revision: str) -> None:
    with pytest.raises(BaseException) as raised:
        async with connect(facts.mcp_url, "pb_live_wrong", revision) as client:
            await client.list_tools()
    assert not isinstance(raised.value, AssertionError)
