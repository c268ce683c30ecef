import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

import { KEY_PLACEHOLDER, shellQuote, snippetsFor } from "./snippets";

const ADDRESS = "https://patchbay.example/t/demo/mcp";
const KEY = "pb_live_0123456789";

function code(id: string, key: string | null = KEY): string {
  return snippetsFor(ADDRESS, key).find((snippet) => snippet.id === id)?.code ?? "";
}

/** The words that a shell makes of a command. */
function words(command: string): string[] {
  const script = `${command.replace(/^\w+/u, "printf '%s\\n'")}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
}

describe("the set-up of a client", () => {
  it("is a command for Claude Code that a shell understands", () => {
    const bearer = `Authorization: Bearer ${KEY}`;
    const expected = ["mcp", "add", "--transport", "http", "patchbay", ADDRESS, "--header", bearer];
    expect(words(code("claude-code"))).toEqual(expected);
  });

  it("is valid JSON for VS Code and Cursor", () => {
    const headers = { Authorization: `Bearer ${KEY}` };
    expect(JSON.parse(code("vscode"))).toEqual({
      servers: { patchbay: { type: "http", url: ADDRESS, headers } },
    });
    expect(JSON.parse(code("cursor"))).toEqual({ mcpServers: { patchbay: { url: ADDRESS, headers } } });
  });

  it("asks with curl as the newest revision has it", () => {
    const parts = words(code("curl"));
    const body = JSON.parse(parts.at(-1) ?? "");
    expect(body.params["_meta"]["io.modelcontextprotocol/protocolVersion"]).toBe("2026-07-28");
    expect(parts).toContain("MCP-Protocol-Version: 2026-07-28");
    expect(parts).toContain(`Mcp-Method: ${body.method}`);
  });

  it("says where the key belongs while there is none", () => {
    for (const { code: text } of snippetsFor(ADDRESS, null)) expect(text).toContain(KEY_PLACEHOLDER);
  });

  it("lets nothing out of a shell's quotes", () => {
    const nasty = "it's $(here) `and` \"there\"";
    expect(words(`echo ${shellQuote(nasty)}`)).toEqual([nasty]);
  });
});
