// The operator's pages of the dashboard in a real Chromium, against the made-up API: every page in light, dark and at 390 px without a
// serious finding of axe, a complaint about the content policy or a hostile name that acts; and everything that can be done there.
// Run it by path: bun test ./test/heavy/dashboard-operator.heavy.ts.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BrowserPage, chromiumPath, type Screen } from "../support/chromium.ts";
import { type FakeApi, startFakeApi } from "../dashboard/fake-api.ts";
import { fakeCode, fakeNewKey, type FakeOperator, fakeOperator } from "../dashboard/fake-operator-api.ts";
import { installed } from "./install.ts";

const chromium = chromiumPath();
const inChromium = chromium === null ? describe.skip : describe;
if (chromium === null)
  console.log("skipped: there is no Chromium on this machine (apt-get install chromium)");

const axeFile = join("node_modules", "axe-core", "axe.min.js");
const wide: Screen = { width: 1440, height: 900, theme: "light" };
const screens: readonly Screen[] = [
  wide,
  { width: 1440, height: 900, theme: "dark" },
  { width: 390, height: 844, theme: "light" },
  { width: 3840, height: 2160, theme: "dark" },
];
const pages: readonly (readonly [path: string, shows: string])[] = [
  ["providers", "Resting after failures"],
  ["routing", "never hit"],
  ["tenants", "limit reached"],
  ["claude-code", "Not signed in"],
  ["alerts", "provider out"],
  ["config", "Values in force"],
  ["config/edit", "Review changes"],
  ["config/audit", "who changed"],
  ["sign-in", "Signed in"],
];

inChromium("the operator's pages", () => {
  let page: BrowserPage;
  let axe: string;
  let operator: FakeOperator;
  let api: FakeApi;

  beforeAll(async () => {
    axe = readFileSync(join(installed("axe", ["axe-core@4.14.1"], axeFile), axeFile), "utf8");
    page = await BrowserPage.open(chromium ?? "");
  }, 300_000);
  afterAll(async () => {
    await api.stop();
    await page.close();
  });
  beforeEach(async () => {
    // An event stream of the page before would complain of its server's end.
    await page.goto("about:blank");
    await api?.stop();
    operator = fakeOperator();
    api = startFakeApi(operator.routes);
    page.complaints.length = 0;
    await page.show(wide);
  });

  const open = (path: string): Promise<void> => page.goto(`${api.url}/dashboard/${path}`);
  /** What the browser logs of an answer that the test wants: 401, 404, 412. */
  const otherComplaints = (): readonly string[] =>
    page.complaints.filter((each) => !/Failed to load resource|status of 4\d\d/.test(each));

  async function seriousFindings(): Promise<unknown> {
    await page.evaluate(axe);
    return page.evaluate(
      `axe.run(document).then(({ violations }) => violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")))`,
    );
  }

  test.each(pages.flatMap(([path, shows]) => screens.map((screen) => [path, shows, screen] as const)))(
    "%s shows %j on %j",
    async (path, shows, screen) => {
      await page.show(screen);
      await open(path);
      await page.see(shows);
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      expect(await seriousFindings()).toEqual([]);
      expect(await page.evaluate("window.__hostile === undefined")).toBe(true);
      expect(await page.evaluate("document.querySelectorAll('main img, main script').length")).toBe(0);
      expect(page.complaints).toEqual([]);
      expect(api.unknownPaths).toEqual([]);
    },
    60_000,
  );

  test("a provider is tested and reset, with the result in place", async () => {
    await open("providers");
    await page.click("Test anthropic");
    await page.see("It answers.");
    await page.click("Test openai");
    await page.see("The test failed: unreachable.");
    await page.click("Reset openai");
    await page.see("failures and rests are forgotten");
    await page.until(
      "!document.body.innerText.includes('Resting after failures')",
      "openai is healthy again",
    );
    expect(operator.done).toEqual(["test anthropic", "test openai", "reset openai"]);
  }, 60_000);

  test("two texts are decided side by side, with headers; a refusal is shown as the client would get it", async () => {
    await open("routing");
    await page.click("System prompt and headers");
    await page.type("Headers, one a line", "x-openclaw-source: subagent");
    await page.type("Text", "what is the weather");
    await page.type("Text to compare with (optional)", "prove the theorem");
    await page.click("Where would it go?");
    await page.see("Differences");
    await page.see("openai/model-large");
    await page.see("translated (other-format)");
    await page.see("dropped: no tools");
    expect(operator.done).toEqual(["route chat subagent", "route chat subagent"]);
    await page.type("Headers, one a line", "authorization: Bearer x");
    await page.see("authorization cannot be set from a page");
    await page.type("Headers, one a line", " ");
    await page.type("Model", "zzz");
    await page.click("Where would it go?");
    await page.see('The model "zzz" does not exist here.');
    expect(otherComplaints()).toEqual([]);
  }, 60_000);

  test("a key is made, shown once, rotated and revoked", async () => {
    await open("tenants");
    await page.click("New key for team-search");
    await page.click("Make the key");
    await page.see(fakeNewKey);
    expect(await seriousFindings()).toEqual([]);
    await page.click("I have copied it");
    await page.until(`!document.documentElement.outerHTML.includes("${fakeNewKey}")`, "the key is gone");
    await page.see("00000001");
    await page.click("Rotate key 00000001");
    await page.evaluate(
      "document.querySelector('dialog select').value = 86400000; document.querySelector('dialog select').dispatchEvent(new Event('change'))",
    );
    await page.click("Rotate");
    await page.see("The old key is accepted until");
    await page.see(fakeNewKey);
    await page.press("Escape");
    await page.until(`!document.documentElement.outerHTML.includes("${fakeNewKey}")`, "the new key is gone");
    await page.click("Revoke key 10000002");
    await page.click("Cancel");
    await page.click("Revoke key 10000002");
    await page.click("Revoke");
    await page.until("!document.body.innerText.includes('10000002')", "the key is no longer listed");
    expect(operator.done).toEqual(["make team-search", "rotate 00000001 later", "revoke 10000002"]);
    expect(await page.evaluate("JSON.stringify(Object.keys(localStorage))")).toBe("[]");
  }, 60_000);

  test("an examination is run and its findings are grouped", async () => {
    await open("claude-code");
    await page.click("Examine");
    await page.see("1 failed, 1 warning, 1 fine, 1 skipped");
    await page.see("clawgate login --tenant team-search");
  }, 60_000);

  test("a wrong config is refused at its line; a right one is reviewed, saved and undone", async () => {
    await open("config/edit");
    await page.see("Review changes");
    const typed = async (text: string): Promise<void> => page.type("Config file", text);
    await typed("server:\n  prot: 1\n");
    await page.click("Review changes");
    await page.see("This text cannot be used");
    await page.see('did you mean "port"?');
    await page.click("line 2");
    expect(await page.evaluate("getSelection().toString() || document.activeElement.tagName")).toContain(
      "prot",
    );
    expect(
      await page.evaluate(
        "[...document.querySelectorAll('button')].find((b) => b.innerText === 'Save').disabled",
      ),
    ).toBe(true);
    // What was typed is still there after a look at another page.
    await page.click("Alerts");
    await page.see("What happened");
    await page.click("Config");
    await page.click("Edit");
    await page.until("document.querySelector('textarea').value.includes('prot')", "the draft");
    await typed("server:\n  port: 9000\n");
    await page.click("Review changes");
    await page.see("Valid.");
    await page.see("Takes effect only after a restart: server.port.");
    expect(await page.evaluate("document.querySelectorAll('.diff-added').length")).toBeGreaterThan(0);
    expect(await seriousFindings()).toEqual([]);
    await page.click("Save");
    await page.see("Saved, and in force. After a restart only: server.port.");
    await page.click("Undo the last save");
    await page.click("Undo");
    await page.see("The version before is back");
    await page.until(
      "document.querySelector('textarea').value.includes('# the usual one')",
      "the first text",
    );
    expect(operator.done).toEqual(["save config", "undo config"]);
  }, 60_000);

  test("a file that another program changed meanwhile is not overwritten", async () => {
    await open("config/edit");
    await page.see("Review changes");
    await page.type("Config file", "server:\n  port: 8090\n");
    await page.click("Review changes");
    await page.see("Valid.");
    operator.writeElsewhere("server:\n  port: 8091\n");
    await page.click("Save");
    await page.see("nothing was saved");
    await page.click("Try again");
    await page.click("Keep my text and review it against the new file");
    await page.click("Review changes");
    await page.until("document.querySelector('.diff-removed')?.innerText.includes('8091')", "the new diff");
    await page.click("Save");
    await page.see("Saved, and in force.");
    expect(operator.done).toEqual(["save config"]);
  }, 60_000);

  test("without signing in the pages read only, and signing in leads back", async () => {
    operator.signOut();
    await open("providers");
    await page.see("Reading only");
    expect(
      await page.evaluate(
        "[...document.querySelectorAll('article button')].every((button) => button.disabled)",
      ),
    ).toBe(true);
    await page.click("Sign in");
    await page.see("Admin key");
    expect(await seriousFindings()).toEqual([]);
    await page.click("One-time code");
    await page.type("One-time code", "wrong");
    await page.press("Enter");
    await page.see("This is not the key");
    await page.type("One-time code", fakeCode);
    await page.press("Enter");
    await page.see("Resting after failures");
    await page.until("!document.body.innerText.includes('Reading only')", "the rights");
    await page.click("Sign out");
    await page.see("Reading only");
    expect(otherComplaints()).toEqual([]);
  }, 60_000);

  test("the audit log goes from page to page, and Back returns", async () => {
    await open("providers");
    for (const id of ["anthropic", "ollama", "openai"]) {
      await page.click(`Reset ${id}`);
      await page.until(`document.querySelectorAll('.outcome-good').length > 0`, id);
    }
    await page.until("true", "done");
    await open("config/audit");
    await page.see("session");
    await page.click("Older");
    await page.until("location.search.includes('cursor=2')", "the next page");
    await page.evaluate("history.back()");
    await page.until("!location.search.includes('cursor')", "the first page");
  }, 60_000);
});
