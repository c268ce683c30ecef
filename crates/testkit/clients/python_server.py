"""A real MCP server for the remote_mcp connector: the official package, both revisions, behind a bearer token.

Usage: python_server.py PORT TOKEN
"""

import sys
from typing import Any

import uvicorn
from mcp.server import MCPServer
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("weather", version="1.0.0", instructions="Weather of made-up towns.")


@server.tool()
def forecast(town: str, days: int = 1) -> dict[str, Any]:
    """Says what the weather of a town will be."""
    return {"town": town, "days": days, "weather": "fair"}


@server.tool()
def broken() -> str:
    """Always fails."""
    raise ValueError("the weather station is broken")


@server.resource("weather://stations")
def stations() -> str:
    """The stations there are."""
    return "Northtown, Southtown"


@server.prompt()
def plan_trip(town: str) -> str:
    """Asks for a plan."""
    return f"Plan a trip to {town}."


class RequireBearer:
    """Refuses every request without the token, before the MCP server sees it."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != self.expected:
            await PlainTextResponse("unauthorized", status_code=401)(scope, receive, send)
            return
        await self.app(scope, receive, send)


if __name__ == "__main__":
    port, token = int(sys.argv[1]), sys.argv[2]
    app = RequireBearer(server.streamable_http_app(), token)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
