/** Set-up of MCP clients for one endpoint, ready to paste. */
export interface Snippet {
  id: string;
  label: string;
  /** One sentence: where it goes. */
  where: string;
  code: string;
}

/** Stands where the key belongs while there is none. */
export const KEY_PLACEHOLDER = "YOUR_API_KEY";

/** The newest revision of the protocol: one request tells everything, without a session. */
const REVISION = "2026-07-28";

/** In single quotes for a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function curl(url: string, bearer: string): string {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/list",
    params: {
      _meta: {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  });
  const headers = [
    `Authorization: ${bearer}`,
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
    `MCP-Protocol-Version: ${REVISION}`,
    "Mcp-Method: tools/list",
  ];
  const lines = headers.map((header) => `  -H ${shellQuote(header)} \\`);
  return [`curl -sS ${shellQuote(url)} \\`, ...lines, `  -d ${shellQuote(body)}`].join("\n");
}

function python(url: string, bearer: string): string {
  return `# pip install "mcp>=2.3"
import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = ${JSON.stringify(url)}
HEADERS = {"Authorization": ${JSON.stringify(bearer)}}


async def main() -> None:
    async with httpx2.AsyncClient(headers=HEADERS, timeout=60) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as client:
            for tool in (await client.list_tools()).tools:
                print(tool.name)


asyncio.run(main())`;
}

/** The snippets for every client that the console knows, with `key` in them or a placeholder. */
export function snippetsFor(url: string, key: string | null): Snippet[] {
  const bearer = `Bearer ${key ?? KEY_PLACEHOLDER}`;
  const headers = { Authorization: bearer };
  return [
    {
      id: "claude-code",
      label: "Claude Code",
      where: "Run this once in a terminal; `/mcp` inside Claude Code then lists it.",
      code: `claude mcp add --transport http patchbay ${shellQuote(url)} \\\n  --header ${shellQuote(`Authorization: ${bearer}`)}`,
    },
    {
      id: "vscode",
      label: "VS Code",
      where: "Save this as `.vscode/mcp.json` in your project, or add it by **MCP: Open User Configuration**.",
      code: json({ servers: { patchbay: { type: "http", url, headers } } }),
    },
    {
      id: "cursor",
      label: "Cursor",
      where: "Save this as `~/.cursor/mcp.json`, or merge it into the file that is there.",
      code: json({ mcpServers: { patchbay: { url, headers } } }),
    },
    {
      id: "curl",
      label: "curl",
      where: "Lists the tools: the quickest way to see that the key works.",
      code: curl(url, bearer),
    },
    {
      id: "python",
      label: "Python",
      where: "With the official SDK.",
      code: python(url, bearer),
    },
  ];
}
