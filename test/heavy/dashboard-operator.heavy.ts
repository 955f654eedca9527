// The operator's pages of the dashboard in a real Chromium over the made-up API: every page in light, dark and narrow, then everything
// that can be done there. Run it by path: bun test ./test/heavy/dashboard-operator.heavy.ts. Skipped where there is no Chromium.

import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import {
  chromiumPath,
  harm,
  openPage,
  overhang,
  seriousFindings,
  startBrowser,
  type Watched,
} from "../dashboard/browser.ts";
import { type FakeApi, startFakeApi } from "../dashboard/fake-api.ts";
import { fakeCode, fakeNewKey, type FakeOperator, fakeOperator } from "../dashboard/fake-operator-api.ts";
import { eventually } from "../support/eventually.ts";

const executable = chromiumPath();
// The slowest takes 3 s; on a machine that has twenty other things to do it takes half a minute.
setDefaultTimeout(120_000);

const looks = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["390 pixels wide", { viewport: { width: 390, height: 844 } }],
  ["3840 pixels wide", { viewport: { width: 3840, height: 2160 } }],
] as const;
const pages = [
  ["providers", "Resting after failures"],
  ["routing", "never hit"],
  ["tenants", "limit reached"],
  ["claude-code", "Not signed in"],
  ["alerts", "provider out"],
  ["config", "Values in force"],
  ["config/edit", "Review changes"],
  ["config/audit", "who changed"],
  ["sign-in", "Signed in"],
] as const;

const click = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();
const see = (page: Page, text: string): Promise<void> =>
  page.locator("body").getByText(text).first().waitFor();
const fill = (page: Page, label: string, text: string): Promise<void> =>
  page.getByRole("textbox", { name: label, exact: true }).fill(text);
const isOff = (page: Page, name: string): Promise<void> =>
  eventually(async () => {
    expect(await page.getByRole("button", { name, exact: true }).isDisabled()).toBe(true);
  });
const configText = (page: Page): Promise<string> =>
  page.getByRole("textbox", { name: "Config file" }).inputValue();

describe.if(executable !== null)("the operator's pages in Chromium", () => {
  let browser: Browser;
  let operator: FakeOperator;
  let api: FakeApi | null = null;
  let opened: Watched | null = null;

  beforeAll(async () => {
    browser = await startBrowser(executable ?? "");
  });
  afterEach(async () => {
    // The page first: its event stream would complain of its server's end.
    await opened?.close();
    await api?.stop();
    [opened, api] = [null, null];
  });
  afterAll(() => browser.close());

  async function open(
    path: string,
    options: Parameters<typeof openPage>[2] = {},
    isSignedOut = false,
  ): Promise<Watched> {
    operator = fakeOperator();
    if (isSignedOut) operator.signOut();
    api = startFakeApi(operator.routes);
    opened = await openPage(browser, `${api.url}/dashboard/${path}`, options);
    return opened;
  }

  /** `wanted`: statuses that the test provokes; the browser logs each as an error. */
  async function isClean({ page, complaints }: Watched, ...wanted: readonly number[]): Promise<void> {
    const others = complaints.filter(
      (each) => !wanted.some((status) => each.includes(`status of ${status}`)),
    );
    expect(others).toEqual([]);
    expect(await harm(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
    expect(await seriousFindings(page)).toEqual([]);
    expect(api?.unknownPaths).toEqual([]);
  }

  describe.each(looks)("%s", (_look, options) => {
    test.each(pages)("%s shows %j", async (path, shows) => {
      const watched = await open(path, options);
      await see(watched.page, shows);
      await isClean(watched);
    });
  });

  test("a provider is tested and reset, with the result in place", async () => {
    const watched = await open("providers");
    const { page } = watched;
    await click(page, "Test anthropic");
    await see(page, "It answers.");
    await click(page, "Test openai");
    await see(page, "The test failed: unreachable.");
    await click(page, "Reset openai");
    await see(page, "failures and rests are forgotten");
    await page.getByText("Resting after failures").waitFor({ state: "detached" });
    expect(operator.done).toEqual(["test anthropic", "test openai", "reset openai"]);
    await isClean(watched);
  });

  test("two texts are decided side by side, with headers; a refusal is what the client would get", async () => {
    const watched = await open("routing");
    const { page } = watched;
    await page.getByText("System prompt and headers").click();
    await fill(page, "Headers, one a line", "x-openclaw-source: subagent");
    await fill(page, "Text", "what is the weather");
    await fill(page, "Text to compare with (optional)", "prove the theorem");
    await click(page, "Where would it go?");
    for (const text of ["Differences", "translated (other-format)", "dropped: no tools"])
      await see(page, text);
    expect(operator.done).toEqual(["route chat subagent", "route chat subagent"]);
    await isClean(watched);
    await fill(page, "Headers, one a line", "authorization: Bearer x");
    await see(page, "authorization cannot be set from a page");
    await isOff(page, "Where would it go?");
    await fill(page, "Headers, one a line", "");
    await fill(page, "Model", "zzz");
    await click(page, "Where would it go?");
    await see(page, 'The model "zzz" does not exist here.');
    await isClean(watched, 404);
  });

  test("a key is made, shown once, rotated with a grace, and revoked", async () => {
    const watched = await open("tenants");
    const { page } = watched;
    const isGone = async (): Promise<void> => {
      await page.getByText(fakeNewKey).waitFor({ state: "detached" });
      await eventually(async () => expect(await page.content()).not.toContain(fakeNewKey));
    };
    await click(page, "New key for team-search");
    await click(page, "Make the key");
    await see(page, fakeNewKey);
    await isClean(watched);
    await click(page, "I have copied it");
    await isGone();
    await click(page, "Rotate key 00000001");
    await page.getByLabel("The old key is accepted").selectOption("for a day");
    await click(page, "Rotate");
    await see(page, "The old key is accepted until");
    await page.keyboard.press("Escape");
    await isGone();
    await click(page, "Revoke key 10000002");
    await click(page, "Cancel");
    await click(page, "Revoke key 10000002");
    await click(page, "Revoke");
    await page.getByText("10000002").first().waitFor({ state: "detached" });
    expect(operator.done).toEqual(["make team-search", "rotate 00000001 later", "revoke 10000002"]);
    expect(await page.evaluate("localStorage.length + sessionStorage.length")).toBe(0);
    await isClean(watched);
  });

  test("an examination is run and its findings are grouped", async () => {
    const watched = await open("claude-code");
    await click(watched.page, "Examine");
    await see(watched.page, "1 failed, 1 warning, 1 fine, 1 skipped");
    await see(watched.page, "clawgate login --tenant team-search");
    await isClean(watched);
  });

  test("a wrong config is refused at its line; a right one is reviewed, saved and undone", async () => {
    const watched = await open("config/edit");
    const { page } = watched;
    await fill(page, "Config file", "server:\n  prot: 1\n");
    await isOff(page, "Save");
    await click(page, "Review changes");
    await see(page, "This text cannot be used");
    await see(page, 'did you mean "port"?');
    await click(page, "line 2");
    const chosen =
      "(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.querySelector('textarea:focus') ?? { value: '' })";
    await eventually(async () => expect(await page.evaluate(chosen)).toBe("  prot: 1"));
    await isOff(page, "Save");
    // What was typed is still there after a look at another page.
    await page.getByRole("link", { name: "Alerts" }).click();
    await see(page, "What happened");
    await page.goBack();
    await eventually(async () => expect(await configText(page)).toContain("prot"));
    await fill(page, "Config file", "server:\n  port: 9000\n");
    await click(page, "Review changes");
    await see(page, "Valid.");
    await see(page, "Takes effect only after a restart: server.port.");
    await page.locator(".diff-added", { hasText: "port: 9000" }).waitFor();
    await isClean(watched);
    await click(page, "Save");
    await see(page, "Saved, and in force. After a restart only: server.port.");
    await click(page, "Undo the last save");
    await click(page, "Undo");
    await see(page, "The version before is back");
    await eventually(async () => expect(await configText(page)).toContain("# the usual one"));
    expect(operator.done).toEqual(["save config", "undo config"]);
    await isClean(watched);
  });

  test("what is typed while a save or its undo runs is still there, and is not what was saved", async () => {
    const { page } = await open("config/edit");
    const saved = "server:\n  port: 9000\n";
    const typed = `${saved}# and more\n`;
    let goOn = (): void => undefined;
    const hold = async (path: string): Promise<void> => {
      const slow = new Promise<void>((resolve) => (goOn = resolve));
      await page.route(`**${path}`, async (route) => {
        if (route.request().method() !== "GET") await slow;
        await route.continue();
      });
    };
    await fill(page, "Config file", saved);
    await click(page, "Review changes");
    await see(page, "Valid.");
    await hold("/api/config");
    await click(page, "Save");
    await see(page, "Saving…");
    await fill(page, "Config file", typed);
    goOn();
    await see(page, "Saved, and in force.");
    await page.locator("button:enabled", { hasText: "Undo the last save" }).waitFor();
    expect(await configText(page)).toBe(typed);
    await click(page, "Review changes");
    await page.locator(".diff-added", { hasText: "# and more" }).waitFor();
    expect(await page.locator(".diff-added").count()).toBe(1);
    await hold("/api/config/undo");
    await click(page, "Undo the last save");
    await click(page, "Undo");
    await fill(page, "Config file", `${typed}# and the last\n`);
    goOn();
    await see(page, "The version before is back");
    await see(page, "The file was changed since you began. Your text is still here.");
    expect(await configText(page)).toBe(`${typed}# and the last\n`);
    expect(operator.done).toEqual(["save config", "undo config"]);
  });

  test("a file that another program changed meanwhile is not overwritten", async () => {
    const watched = await open("config/edit");
    const { page } = watched;
    await fill(page, "Config file", "server:\n  port: 8090\n");
    await click(page, "Review changes");
    await see(page, "Valid.");
    operator.writeElsewhere("server:\n  port: 8091\n");
    await click(page, "Save");
    await see(page, "nothing was saved");
    await click(page, "Try again");
    await click(page, "Keep my text and review it against the new file");
    await click(page, "Review changes");
    await page.locator(".diff-removed", { hasText: "8091" }).waitFor();
    await click(page, "Save");
    await see(page, "Saved, and in force.");
    expect(operator.done).toEqual(["save config"]);
    await isClean(watched, 412);
  });

  test("without signing in the pages read only, and signing in leads back", async () => {
    const watched = await open("providers", {}, true);
    const { page } = watched;
    await page.getByRole("link", { name: "Sign in", exact: true }).waitFor();
    await page.locator("article button").first().waitFor();
    await eventually(async () => expect(await page.locator("article button:enabled").count()).toBe(0));
    await isClean(watched);
    await page.getByRole("link", { name: "Sign in", exact: true }).click();
    await click(page, "One-time code");
    await fill(page, "One-time code", "wrong");
    await page.keyboard.press("Enter");
    await see(page, "This is not the key");
    await isClean(watched, 401);
    await fill(page, "One-time code", fakeCode);
    await page.keyboard.press("Enter");
    await see(page, "Resting after failures");
    await page.getByText("Reading only").waitFor({ state: "detached" });
    await page.waitForURL("**/dashboard/providers");
    await click(page, "Sign out");
    await see(page, "Reading only");
    await isClean(watched, 401);
  });

  test("the audit log goes from page to page, and Back returns", async () => {
    const watched = await open("providers");
    const { page } = watched;
    for (const id of ["anthropic", "ollama", "openai"]) {
      await click(page, `Reset ${id}`);
      await page.locator("article", { hasText: id }).getByText("failures and rests").first().waitFor();
    }
    await page.getByRole("link", { name: "Config" }).click();
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByRole("link", { name: "Newest" }).waitFor();
    await page.waitForURL("**cursor=2**");
    await isClean(watched);
    await page.goBack();
    await page.getByRole("link", { name: "Newest" }).waitFor({ state: "detached" });
  });
});
