"""A real MCP server of the official package behind the remote_mcp connector, called through the gateway."""

from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from conftest import READY_SECONDS, Facts, PythonServer, connect
from mcp.types import TextContent

pytestmark = pytest.mark.anyio

INSTALL = """
mutation Install($input: InstallConnectorInput!) {
  installConnector(input: $input) { install { id alias } userErrors { code field message } }
}
"""
REMOVE = """
mutation Remove($input: RemoveInstallInput!) { removeInstall(input: $input) { removedId userErrors { message } } }
"""


@pytest.fixture
def remote(graphql: Callable[..., dict[str, Any]], python_server: PythonServer) -> Iterator[str]:
    """The alias of a remote_mcp install on the Python server; removed again."""
    install = {
        "connector": "remote_mcp",
        "displayName": "Weather",
        "alias": "weather",
        "config": {"url": python_server.url},
        "credential": {"bearer_token": python_server.bearer},
    }
    payload = graphql(INSTALL, {"input": install})["installConnector"]
    assert payload["userErrors"] == []
    yield payload["install"]["alias"]
    removed = graphql(REMOVE, {"input": {"id": payload["install"]["id"]}})["removeInstall"]
    assert removed["userErrors"] == []


async def tools_with(facts: Facts, revision: str, name: str) -> dict[str, Any]:
    """The tools, once the gateway has heard of the new install."""
    with anyio.fail_after(READY_SECONDS):
        while True:
            async with connect(facts.mcp_url, facts.api_key, revision) as client:
                tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            if name in tools:
                return tools
            await anyio.sleep(0.1)


async def test_tools_of_the_server_are_listed_under_the_alias(facts: Facts, revision: str, remote: str) -> None:
    tools = await tools_with(facts, revision, f"{remote}__forecast")
    forecast = tools[f"{remote}__forecast"]
    assert forecast.description == "Says what the weather of a town will be."
    assert forecast.input_schema["required"] == ["town"]
    assert f"{remote}__broken" in tools


async def test_call_reaches_the_server_with_the_sealed_token(facts: Facts, revision: str, remote: str) -> None:
    await tools_with(facts, revision, f"{remote}__forecast")
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        result = await client.call_tool(f"{remote}__forecast", {"town": "Northtown", "days": 3})
    assert not result.is_error, result.content
    assert result.structured_content == {"town": "Northtown", "days": 3, "weather": "fair"}


async def test_failure_of_the_server_is_passed_on_as_its_own(facts: Facts, revision: str, remote: str) -> None:
    await tools_with(facts, revision, f"{remote}__broken")
    async with connect(facts.mcp_url, facts.api_key, revision) as client:
        result = await client.call_tool(f"{remote}__broken", {})
    assert result.is_error
    assert any(isinstance(block, TextContent) and "broken" in block.text for block in result.content)


async def test_removed_install_takes_its_tools_away(
    facts: Facts, revision: str, graphql: Callable[..., dict[str, Any]], python_server: PythonServer
) -> None:
    install = {
        "connector": "remote_mcp",
        "displayName": "Short-lived weather",
        "alias": "shortlived",
        "config": {"url": python_server.url},
        "credential": {"bearer_token": python_server.bearer},
    }
    payload = graphql(INSTALL, {"input": install})["installConnector"]
    assert payload["userErrors"] == []
    await tools_with(facts, revision, "shortlived__forecast")
    graphql(REMOVE, {"input": {"id": payload["install"]["id"]}})
    with anyio.fail_after(READY_SECONDS):
        while True:
            async with connect(facts.mcp_url, facts.api_key, revision) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
            if not any(name.startswith("shortlived__") for name in names):
                return
            await anyio.sleep(0.1)
