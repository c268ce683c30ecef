/**
 * The console in a real browser against a running product.
 *
 * PATCHBAY_UP_JSON          facts of the product, as `patchbay up` writes them, with an unused sign-in link
 * PATCHBAY_E2E_DIR          a directory that the product may read and this test may write to
 * PATCHBAY_E2E_SCREENSHOTS  where pictures of every page go (optional)
 * CHROMIUM                  the browser, if it is not /usr/bin/chromium
 */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { assertFits, assertTablesFit, inspect, open, product, required, watch } from "./browser.mjs";
import { redeem, register } from "./oauth.mjs";
import { DOCUMENTS, listTools, until, writeDocuments, writeMany } from "./fixtures.mjs";

const run = Date.now().toString(36);
const installName = `Handbook ${run}`;
const alias = `handbook_${run}`;
const word = `quokka${run}`;
const keyName = `Test client ${run}`;

let facts;
let browser;
let page;
let complaints;
let folder;
let client;

const url = (path) => new URL(path, facts.console_url).href;
const visit = (path) => page.goto(url(path));
const button = (name) => page.getByRole("button", { name, exact: true });
const organisation = async () => {
  const document = { query: "{ viewer { tenant { name } } }" };
  const answer = await page.request.post(facts.graphql_url, {
    data: document,
    headers: { "X-Patchbay-CSRF": "1" },
  });
  return (await answer.json()).data.viewer.tenant.name;
};
const heading = (name) => page.getByRole("heading", { name, exact: true });

describe("the console", { timeout: 240_000 }, () => {
  before(async () => {
    facts = await product();
    folder = join(required("PATCHBAY_E2E_DIR"), `handbook-${run}`);
    await writeDocuments(folder, word);
    browser = await open();
    page = browser.page;
    complaints = watch(page);
  });

  after(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("tells whoever is signed out how to sign in", async () => {
    await visit("/installs");
    await heading("Sign in").waitFor();
    await page.getByText("patchbay sign-in-link --data-dir data", { exact: true }).waitFor();
    await inspect(page, "signed-out");
    // Asking who is signed in is how the console finds out: that refusal is expected.
    complaints.length = 0;
  });

  it("signs in by the one-time link", async () => {
    await page.goto(facts.sign_in_url);
    await inspect(page, "sign-in");
    await button("Sign in").click();
    await page.getByRole("heading", { name: "Installed", exact: true }).waitFor();
    await page.getByRole("link", { name: "Overview" }).waitFor();
    await inspect(page, "overview");
  });

  it("says clearly that a used link no longer works", async () => {
    const other = await browser.context.browser()?.newContext();
    const fresh = other ? await other.newPage() : await browser.context.newPage();
    const said = watch(fresh);
    await fresh.goto(facts.sign_in_url);
    await fresh.getByRole("button", { name: "Sign in" }).click();
    await fresh.getByRole("heading", { name: "This sign-in link no longer works" }).waitFor();
    await fresh.getByText("patchbay sign-in-link --data-dir data", { exact: true }).waitFor();
    await inspect(fresh, "link-used");
    await fresh.setViewportSize({ width: 375, height: 760 });
    await assertFits(fresh, "link-used");
    // 410 is what this was about.
    assert.deepEqual(said.filter((complaint) => !complaint.includes("410")), []);
    await (other ?? fresh).close();
  });

  it("would hear the browser refuse an inline style", async () => {
    const other = await browser.context.newPage();
    const said = watch(other);
    await other.goto(facts.console_url);
    await other.evaluate(() => {
      const style = document.createElement("style");
      style.textContent = "body { display: none }";
      document.head.append(style);
    });
    await until(() => said.some((complaint) => complaint.includes("Content Security Policy")));
    assert.equal(await other.evaluate(() => getComputedStyle(document.body).display), "block");
    await other.close();
  });

  it("finds a connector in the marketplace", async () => {
    await page.getByRole("link", { name: "Marketplace" }).click();
    await page.getByRole("link", { name: "PostgreSQL", exact: true }).waitFor();
    await inspect(page, "marketplace");
    await page.getByLabel("Search connectors").fill("markdown");
    await page.getByRole("link", { name: "PostgreSQL", exact: true }).waitFor({ state: "detached" });
    await page.getByLabel("Search connectors").fill("no such thing");
    await heading("No connector matches").waitFor();
    await inspect(page, "marketplace-empty");
    await button("Show all connectors").click();
    await page.getByRole("link", { name: "Files", exact: true }).click();
    await page.getByRole("heading", { name: "Files", level: 1 }).waitFor();
    await inspect(page, "connector");
  });

  it("shows a secret field for the password of a database, and what is missing at each field", async () => {
    await visit("/marketplace/postgres/install");
    const password = page.getByLabel("Password");
    assert.equal(await password.getAttribute("type"), "password");
    await button("Test the connection").click();
    await page.getByText("Host is required.").waitFor();
    await inspect(page, "wizard-errors");
  });

  it("keeps a draft across a reload, but never a secret", async () => {
    await page.getByLabel("Host", { exact: true }).fill("db.example.com");
    await page.getByLabel("Password").fill("correct horse");
    await page.reload();
    await page.getByLabel("Password").waitFor();
    assert.equal(await page.getByLabel("Host", { exact: true }).inputValue(), "db.example.com");
    assert.equal(await page.getByLabel("Password").inputValue(), "");
    const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    assert.ok(stored.includes("db.example.com") && !stored.includes("correct horse"), stored);
  });

  it("loses nothing that was typed when the session ends in mid-form", async () => {
    const cookies = await browser.context.cookies();
    await page.getByLabel("Database").fill("shop");
    await page.getByLabel("User").fill("reader");
    await page.getByLabel("Password").fill("correct horse");
    await browser.context.clearCookies();
    await button("Test the connection").click();
    await heading("Sign in").waitFor();
    await browser.context.addCookies(cookies);
    await button("I have signed in, continue").click();
    await page.getByLabel("Password").waitFor();
    assert.equal(await page.getByLabel("Database").inputValue(), "shop");
    assert.equal(await page.getByLabel("User").inputValue(), "reader");
    // The refusal is what this was about.
    complaints.length = 0;
  });

  it("shows the API's complaint about a folder that may not be read", async () => {
    await visit("/marketplace/files/install");
    await page.getByLabel("Folder").fill("/etc");
    await button("Test the connection").click();
    await page.getByText("Not everything works yet.").or(page.getByText("Check the marked field")).waitFor();
    await inspect(page, "wizard-refused");
  });

  it("installs a folder through the wizard with the keyboard alone", async () => {
    await visit("/marketplace/files/install");
    await page.getByLabel("Folder").focus();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(folder);
    await page.getByLabel("Name", { exact: true }).focus();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(installName);
    await page.keyboard.press("Tab");
    await page.keyboard.type(alias);
    await inspect(page, "wizard");
    await page.keyboard.press("Enter");
    await page.getByText("Everything works.").waitFor();
    await inspect(page, "wizard-checked");
    await button("Install").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: installName, level: 1 }).waitFor();
  });

  it("shows the first sync until it has succeeded, without a reload", async () => {
    await page.locator("[data-run-state=SUCCEEDED]").waitFor({ timeout: 60_000 });
    const count = page.locator("dt", { hasText: "Records" }).locator("xpath=following-sibling::dd[1]");
    await page.waitForFunction(
      ([element, expected]) => element.textContent === expected,
      [await count.elementHandle(), String(DOCUMENTS + 1)],
    );
    await heading("Sync history").waitFor();
    await inspect(page, "install");
  });

  it("follows a sync that somebody starts, told over the socket", async () => {
    const socket = page.waitForEvent("websocket");
    await page.reload();
    const told = [];
    (await socket).on("framereceived", ({ payload }) => told.push(JSON.parse(String(payload))));
    const runs = page.locator("section", { has: heading("Sync history") }).locator("tbody tr");
    await runs.first().waitFor();
    const earlier = await runs.count();
    await button("Sync now").click();
    await page.waitForFunction(
      ([selector, expected]) => document.querySelectorAll(selector).length === expected,
      ["section[aria-labelledby=history] tbody tr", earlier + 1],
    );
    await page.locator("[data-run-state=SUCCEEDED]").waitFor({ timeout: 60_000 });
    await button("Sync now").waitFor();
    const states = told.flatMap((message) => message.payload?.data?.syncRun?.state ?? []);
    assert.equal(states.at(-1), "SUCCEEDED");
    const ids = new Set(told.flatMap((message) => message.payload?.data?.syncRun?.id ?? []));
    assert.equal(ids.size, 2, "the socket told of the run before and of the new one");
  });

  it("shows how far a long sync is, and stops it", async () => {
    await writeMany(folder);
    await button("Sync now").click();
    await page.getByText(/^[\d,]+ of [\d,]+ records$/u).waitFor();
    assert.ok(Number(await page.getByRole("progressbar").getAttribute("aria-valuenow")) < 100);
    await button("Stop sync").click();
    await page.locator("[data-run-state=CANCELLED]").waitFor({ timeout: 60_000 });
    await inspect(page, "install-cancelled");
    await button("Sync now").waitFor();
  });

  it("finds a record of the install and shows it in full", async () => {
    await page.getByRole("tab", { name: "Records" }).click();
    await page.getByRole("list", { name: "Records" }).getByRole("button").first().waitFor();
    await inspect(page, "records");
    await page.getByLabel("Search these records").fill(word);
    await page.getByRole("list", { name: "Results" }).getByRole("button").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("next to the printer").waitFor();
    await inspect(page, "record");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  it("searches across all installs", async () => {
    await page.getByRole("link", { name: "Search", exact: true }).click();
    await inspect(page, "search-empty");
    await page.getByLabel("Search all records").fill(word);
    await page.getByRole("list", { name: "Results" }).getByRole("button").waitFor();
    await inspect(page, "search");
  });

  it("pauses, resumes and renames an install", async () => {
    await page.getByRole("link", { name: "Installs" }).click();
    await page.getByRole("link", { name: installName }).waitFor();
    await inspect(page, "installs");
    await page.getByRole("link", { name: installName }).click();
    await button("Pause").click();
    await page.getByText("AI clients do not see it").waitFor();
    await inspect(page, "install-paused");
    await button("Resume").click();
    await button("Pause").waitFor();
    await page.getByRole("tab", { name: "Settings" }).click();
    await page.getByLabel("Name", { exact: true }).fill(`${installName} renamed`);
    await inspect(page, "settings");
    await button("Save changes").click();
    await page.getByRole("heading", { name: `${installName} renamed`, level: 1 }).waitFor();
    await page.getByText("Saved.").waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), `${installName} renamed`);
  });

  it("creates an API key and puts it into the set-up of a client, and the key works", async () => {
    await page.getByRole("link", { name: "Connect a client" }).click();
    await page.getByRole("tab", { name: "Claude Code" }).waitFor();
    await inspect(page, "connect");
    await button("Create a key").click();
    await page.getByLabel("Name", { exact: true }).fill(keyName);
    await inspect(page, "key-dialog");
    await button("Create key").click();
    const secret = await page.getByRole("dialog").locator("pre").innerText();
    assert.match(secret, /^pb_live_\w{20,}$/u);
    await inspect(page, "key-created");
    await button("I have copied it").click();
    await page.getByRole("tab", { name: "Cursor" }).click();
    await page.getByRole("tab", { name: "Cursor", selected: true }).waitFor();
    const snippet = await page.getByRole("tabpanel").locator("pre").innerText();
    const { patchbay } = JSON.parse(snippet).mcpServers;
    assert.deepEqual(patchbay, { url: facts.mcp_url, headers: { Authorization: `Bearer ${secret}` } });
    await inspect(page, "connect-with-key");
    const { status, tools } = await listTools(patchbay);
    assert.equal(status, 200);
    assert.ok(tools.some((tool) => tool.name.startsWith(`${alias}__`)));
    client = patchbay;
  });

  it("revokes an API key, which then no longer works", async () => {
    await page.getByRole("link", { name: "API keys" }).click();
    const row = page.getByRole("row", { name: new RegExp(keyName, "u") });
    await row.getByText("Live", { exact: true }).waitFor();
    await inspect(page, "api-keys");
    await row.getByRole("button", { name: `Revoke ${keyName}` }).click();
    await inspect(page, "key-revoke");
    await button("Revoke key").click();
    await row.getByText("Revoked", { exact: true }).waitFor();
    await until(async () => (await listTools(client)).status === 401);
  });

  it("asks before it lets a client in that knows the address alone, and shuts it out again", async () => {
    const name = `Assistant ${run}`;
    const assistant = await register(facts.mcp_url, name);
    await page.goto(assistant.url);
    await heading(`Let ${name} use ${await organisation()}?`).waitFor();
    await page.getByText("program on this computer").waitFor();
    await inspect(page, "consent");
    await button("Allow").click();
    await heading("You can close this page").waitFor();
    const headers = { Authorization: `Bearer ${await redeem(assistant)}` };
    const assistantClient = { url: facts.mcp_url, headers };
    const { status, tools } = await listTools(assistantClient);
    assert.equal(status, 200);
    assert.ok(tools.some((tool) => tool.name.startsWith(`${alias}__`)));
    await visit("/connect");
    const row = page.getByRole("row", { name: new RegExp(name, "u") });
    await row.getByText("Let in", { exact: true }).waitFor();
    await inspect(page, "connect-let-in");
    await row.getByRole("button", { name: `Shut out ${name}` }).click();
    await inspect(page, "shut-out");
    await page.getByRole("dialog").getByRole("button", { name: "Shut out", exact: true }).click();
    await row.getByText("Shut out", { exact: true }).waitFor();
    await until(async () => (await listTools(assistantClient)).status === 401);
  });

  it("shows in the audit log what was done", async () => {
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.getByRole("cell", { name: "api_key.revoke" }).first().waitFor();
    await inspect(page, "audit");
    await page.getByLabel("Only this action").fill("install.create");
    await page.keyboard.press("Enter");
    await page.getByRole("cell", { name: "api_key.revoke" }).first().waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Details of install.create" }).first().click();
    await page.getByRole("dialog").getByText("Request").waitFor();
    await inspect(page, "audit-detail");
    await page.keyboard.press("Escape");
  });

  it("lists the members", async () => {
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByText("You", { exact: true }).waitFor();
    await inspect(page, "members");
  });

  it("has a page for what is not there", async () => {
    await visit("/no/such/page");
    await heading("Not found").waitFor();
    await inspect(page, "not-found");
  });

  it("fits a narrow screen, with the navigation behind a button", async (t) => {
    await page.setViewportSize({ width: 375, height: 760 });
    t.after(() => page.setViewportSize({ width: 1280, height: 900 }));
    const paths = ["/", "/marketplace", "/marketplace/files", "/installs", "/connect", "/api-keys"];
    for (const path of [...paths, "/marketplace/files/install", "/audit", "/members", "/search"]) {
      await visit(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await inspect(page, `narrow${path.replaceAll("/", "-")}`);
      await assertFits(page, path);
      await assertTablesFit(page, path);
    }
    await button("Open navigation").click();
    await page.getByRole("link", { name: "Members" }).waitFor();
    await inspect(page, "narrow-navigation");
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByRole("heading", { name: "Members", level: 1 }).waitFor();
  });

  it("remembers the theme that somebody chose", async () => {
    await visit("/");
    await page.getByRole("button", { expanded: false }).click();
    await page.getByText("Dark", { exact: true }).click();
    await inspect(page, "user-menu");
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.getByRole("button", { expanded: false }).click();
    await page.getByText("System", { exact: true }).click();
    await page.keyboard.press("Escape");
  });

  it("removes an install after saying what goes", async () => {
    await visit("/installs");
    await page.getByRole("link", { name: `${installName} renamed` }).click();
    await page.getByRole("tab", { name: "Settings" }).click();
    await button("Remove…").click();
    await page.getByText("synced records and their").waitFor();
    await inspect(page, "remove");
    await button("Remove for good").click();
    await page.getByRole("heading", { name: "Installs", level: 1 }).waitFor();
    await page.getByRole("link", { name: `${installName} renamed` }).waitFor({ state: "detached" });
  });

  it("never complained in the browser's console, nor broke its content security policy", () => {
    assert.deepEqual(complaints, []);
  });

  it("signs out, and the session is over in every tab", async () => {
    const watching = await browser.context.newPage();
    const socket = watching.waitForEvent("websocket");
    await watching.goto(facts.console_url);
    await watching.getByRole("link", { name: "Documentation", exact: true }).click();
    await (await socket).waitForEvent("framereceived");
    await page.getByRole("button", { expanded: false }).click();
    await button("Sign out").click();
    await heading("Sign in").waitFor();
    await watching.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
    await page.reload();
    await heading("Sign in").waitFor();
  });
});
