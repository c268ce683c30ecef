/** A real Chromium on a fresh profile, and the watch that every page is held to. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The value of an environment variable that the run cannot do without. */
export function required(name) {
  const value = process.env[name];
  assert.ok(value, `set ${name}`);
  return value;
}

/** What `patchbay up` wrote about the running product. */
export async function product() {
  return JSON.parse(await readFile(required("PATCHBAY_UP_JSON"), "utf8"));
}

/** Opens a browser; `close` also removes its profile. */
export async function open(options = {}) {
  const profile = await mkdtemp(join(tmpdir(), "patchbay-e2e-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const page = context.pages()[0] ?? (await context.newPage());
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, page, close };
}

/** Collects everything that a clean page never says: console errors, policy violations, exceptions, failed requests. */
export function watch(page) {
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  return complaints;
}

async function findings(page) {
  // Evaluated by the debugger, so that the page's own policy against foreign scripts stays in force.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(
    (tags) => globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } }),
    RULES,
  );
  return violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(" | ")}`,
  );
}

/** Nothing moves any more: animations would give axe half-transparent colours. */
async function settle(page) {
  await page.evaluate(() => document.fonts.ready);
  await page.waitForFunction(
    () => !document.querySelector(".skeleton") && !document.querySelector(".spinner"),
  );
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity)
        .map((animation) => animation.finished.catch(() => undefined)),
    ),
  );
}

/** Checks the page with axe in both themes, and writes a picture of each. */
export async function inspect(page, name) {
  const directory = process.env.PATCHBAY_E2E_SCREENSHOTS;
  if (directory) await mkdir(directory, { recursive: true });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await settle(page);
    if (directory) {
      await page.evaluate(() => globalThis.scrollTo(0, 0));
      const path = join(directory, `${name}-${colorScheme}.png`);
      // Hiding the caret would take an inline style, which the page's policy refuses.
      await page.screenshot({ path, fullPage: true, caret: "initial" });
    }
    assert.deepEqual(await findings(page), [], `axe on ${name} in ${colorScheme}`);
  }
}

/** No page may be wider than its window. */
export async function assertFits(page, name) {
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(over, 0, `${name} scrolls sideways by ${over} px`);
}

/** What stands in a table is all in sight: nothing is cut off at its side. */
export async function assertTablesFit(page, name) {
  const over = await page.locator(".table-wrap").evaluateAll((tables) =>
    tables.map((table) => table.scrollWidth - table.clientWidth),
  );
  assert.ok(over.every((pixels) => pixels === 0), `a table of ${name} is cut off by ${over} px`);
}
