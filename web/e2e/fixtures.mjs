/** What the tests put into the product's folder, and how a client of the product asks. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How many files `writeDocuments` writes beside the one with the word. */
export const DOCUMENTS = 12;
const MANY = 6_000;

/** A small handbook with `word` on exactly one of its pages. */
export async function writeDocuments(folder, word) {
  await mkdir(folder, { recursive: true });
  const pages = Array.from({ length: DOCUMENTS }, (_, index) =>
    writeFile(join(folder, `page-${index}.md`), `# Page ${index}\n\nAbout the office, part ${index}.\n`),
  );
  await Promise.all(pages);
  await writeFile(
    join(folder, "animals.md"),
    `# Animals of the office\n\nThe ${word} lives on the third floor, next to the printer.\n`,
  );
}

/** Enough to watch: some seconds of syncing. */
export async function writeMany(folder) {
  const text = "lorem ipsum dolor sit amet ".repeat(400);
  const all = Array.from({ length: MANY }, (_, index) =>
    writeFile(join(folder, `many-${index}.md`), `# Many ${index}\n\n${text}\n`),
  );
  await Promise.all(all);
}

/** Asks again until it holds: what the gateway knows follows a change within moments. */
export async function until(holds) {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it did not come to hold");
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** What a client with this set-up is answered, asking as the newest protocol revision has it. */
export async function listTools({ url: endpoint, headers }) {
  const version = "2026-07-28";
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": version,
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/list",
      params: {
        _meta: {
          "io.modelcontextprotocol/protocolVersion": version,
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    }),
  });
  const text = await response.text();
  const json = text.startsWith("{") ? text : /^data: (\{.*\})$/mu.exec(text)?.[1];
  return { status: response.status, tools: JSON.parse(json ?? "{}").result?.tools ?? [] };
}
