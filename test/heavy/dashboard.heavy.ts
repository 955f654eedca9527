// The dashboard in a real Chromium over a made-up API with hostile names: every page in light, dark and narrow; then what a person does.
// Run it by path: bun test ./test/heavy/dashboard.heavy.ts. Skipped, and said so, where the machine has no Chromium.

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
import { type FakeApi, type FakeRoute, refused, startFakeApi } from "../dashboard/fake-api.ts";
import { fakeRecords, rowOf, sessionNames } from "../dashboard/fake-records.ts";
import { fakeSeries } from "../dashboard/fake-reports.ts";
import { eventually } from "../support/eventually.ts";

const executable = chromiumPath();
// The slowest takes 3 s; on a machine that has twenty other things to do it takes half a minute.
setDefaultTimeout(120_000);
if (executable === null)
  console.log("There is no Chromium on this machine: the dashboard's pages are not tested.");

const looks = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["390 pixels wide", { viewport: { width: 390, height: 844 } }],
  ["3840 pixels wide", { viewport: { width: 3840, height: 2160 } }],
] as const;

const scrollY = async (page: Page): Promise<number> => Number(await page.evaluate("scrollY"));

const hostile = fakeRecords(0).find(({ model }) => model.startsWith("<img"))?.request_id ?? "";
const pages = [
  ["/dashboard?from=now-7d", "Overview"],
  ["/dashboard/live", "Live"],
  ["/dashboard/requests?from=now-7d", "Requests"],
  [`/dashboard/requests/${hostile}?from=now-7d`, "Requests"],
  ["/dashboard/sessions?from=now-7d", "Sessions"],
  [`/dashboard/sessions/${sessionNames[2]}`, "Session"],
] as const;

describe.if(executable !== null)("the dashboard in Chromium", () => {
  let browser: Browser;
  let api: FakeApi;
  const opened: Watched[] = [];

  beforeAll(async () => {
    api = startFakeApi();
    browser = await startBrowser(executable ?? "");
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  afterAll(async () => {
    await browser.close();
    await api.stop();
  });

  async function open(
    path: string,
    options: Parameters<typeof openPage>[2] = {},
    { url }: Pick<FakeApi, "url"> = api,
  ): Promise<Watched> {
    const watched = await openPage(browser, url + path, options);
    opened.push(watched);
    return watched;
  }

  /** Clean: nothing on the console, nothing refused by the policy, nothing harmful, nothing that axe calls serious, no overhang. */
  async function isClean({ page, complaints }: Watched): Promise<void> {
    expect(complaints).toEqual([]);
    expect(await harm(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
    expect(await seriousFindings(page)).toEqual([]);
  }

  describe.each(looks)("%s", (_look, options) => {
    test.each(pages)("%s", async (path, title) => {
      const watched = await open(path, options);
      await watched.page
        .getByRole("heading", { level: 1, name: title, exact: true, includeHidden: true })
        .waitFor();
      // The list and the sheet over it load each on its own.
      await eventually(async () => expect(await watched.page.locator(".spinner").count()).toBe(0));
      await isClean(watched);
    });
  });

  test("two clicks from the first page tell why a request went there and what it cost", async () => {
    const watched = await open("/dashboard");
    const { page } = watched;
    await page.getByRole("link", { name: "Requests", exact: true }).click();
    await page.getByRole("table").getByRole("row").nth(1).getByRole("link").first().click();
    const sheet = page.getByRole("dialog");
    await sheet.getByRole("region", { name: "Why it went there" }).waitFor();
    await sheet
      .getByRole("list", { name: "Candidates in their order" })
      .filter({ hasText: "chosen" })
      .waitFor();
    await sheet.getByRole("region", { name: "Cost" }).filter({ hasText: "In all" }).waitFor();
    await page.waitForURL(/\/dashboard\/requests\/01KBA\w+$/);
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "detached" });
    await page.waitForURL(`${api.url}/dashboard/requests`);
    await isClean(watched);
  });

  test("a filter is in the address, narrows the list, and goes again", async () => {
    const { page } = await open("/dashboard/requests?from=now-7d");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Filter by").selectOption("provider");
    await page.getByLabel("Value").fill("google");
    await page.getByRole("button", { name: "Add" }).click();
    await page.waitForURL("**/requests?from=now-7d&provider=google");
    const rows = page.locator("tbody tr");
    await rows.filter({ hasText: "google" }).first().waitFor();
    await eventually(async () => expect(await rows.filter({ hasNotText: "google" }).count()).toBe(0));
    await page.getByRole("button", { name: "Remove the filter Provider" }).click();
    await page.waitForURL("**/requests?from=now-7d");
    await page.goBack();
    await page.waitForURL("**/requests?from=now-7d&provider=google");
  });

  test("older requests come by cursor, and Back leads to the newer ones", async () => {
    const { page } = await open("/dashboard/requests?from=now-7d");
    const first = (): Promise<string | null> =>
      page.locator("tbody tr").first().getByRole("link").first().getAttribute("href");
    const idOf = (address: string | null): string => new URL(address ?? "", api.url).pathname;
    const newest = idOf(await first());
    await page.getByRole("button", { name: "Older" }).click();
    await page.waitForURL("**&cursor=50");
    await eventually(async () => expect(idOf(await first())).not.toBe(newest));
    await page.getByRole("button", { name: "Newest" }).click();
    await page.waitForURL("**/requests?from=now-7d");
    await eventually(async () => expect(idOf(await first())).toBe(newest));
  });

  test("new requests do not move a list that the viewer has scrolled", async () => {
    const { page } = await open("/dashboard/requests");
    await page.locator("tbody tr").first().waitFor();
    await page.evaluate("scrollTo(0, 600)");
    const count = page.locator(".has-fresh");
    await count.waitFor();
    expect(await scrollY(page)).toBe(600);
    await count.click();
    await count.waitFor({ state: "detached" });
    await eventually(async () => expect(await scrollY(page)).toBe(0));
  });

  test("new requests do not move a row from under the pointer, and come once it is gone", async () => {
    const { page } = await open("/dashboard/requests");
    const first = page.locator("tbody tr").first();
    await first.waitFor();
    await first.hover();
    const reads = { count: 0 };
    page.on("request", (request) => {
      if (new URL(request.url()).pathname === "/api/requests") reads.count += 1;
    });
    const count = page.locator(".has-fresh");
    await count.waitFor();
    // What was asked for before the pointer was there has been told by now.
    reads.count = 0;
    const told = await count.innerText();
    await count.filter({ hasNotText: told }).waitFor();
    expect(reads.count).toBe(0);
    await page.mouse.move(5, 5);
    await count.waitFor({ state: "detached" });
    await eventually(() => expect(reads.count).toBeGreaterThan(0));
  });

  test("a running request can be cancelled, and the log can be paused", async () => {
    const { page } = await open("/dashboard/live");
    const row = page.getByRole("row").filter({ hasText: "place 3 at ollama" });
    await row.getByRole("button", { name: /^Cancel/ }).click();
    await row.waitFor({ state: "detached" });
    expect(api.cancelled).toContain("01KBALIVE2");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(/paused, \d+ newer/).waitFor();
    const lines = await page.locator(".log-line").count();
    await page.getByText(/paused, [1-9]\d* newer/).waitFor();
    expect(await page.locator(".log-line").count()).toBe(lines);
  });

  test("rows are opened from the keyboard, and the arrow keys move between them", async () => {
    const { page } = await open("/dashboard/sessions?from=now-7d");
    const rows = page.locator("tbody tr");
    await rows.first().getByRole("link").focus();
    await page.keyboard.press("ArrowDown");
    await rows.nth(1).locator("a:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Session" }).waitFor();
  });

  test("a page that a link led to begins at its top, with the focus there", async () => {
    const { page } = await open("/dashboard/requests?from=now-7d");
    await page.locator("tbody tr").first().waitFor();
    await page.evaluate("scrollTo(0, 500)");
    await page.getByRole("link", { name: "Sessions", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Sessions" }).waitFor();
    await page.locator("#content:focus").waitFor();
    await eventually(async () => expect(await scrollY(page)).toBe(0));
  });

  test("traffic of the last bucket alone is a bar that can be seen, told to the pointer and to the keys", async () => {
    const now = Date.now();
    const latest = fakeRecords(now, 3).map((row) => ({ ...row, timestamp: (now - 1000) / 1000 }));
    const path = "/api/series";
    const own = startFakeApi([
      { method: "GET", path, answer: ({ query }) => fakeSeries(latest, query, now) },
    ]);
    try {
      const { page } = await open("/dashboard?show=requests", {}, own);
      await page.locator(".chart-canvas canvas").waitFor();
      const isPainted = `(() => {
        const canvas = document.querySelector(".chart-canvas canvas");
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(Math.round(width * 0.9), 0, Math.ceil(width * 0.1), height);
        for (let at = 0; at < data.length; at += 4)
          if (data[at + 3] === 255 && Math.max(data[at], data[at + 1], data[at + 2]) - Math.min(data[at], data[at + 1], data[at + 2]) > 60) return true;
        return false;
      })()`;
      await eventually(async () => expect(await page.evaluate(isPainted)).toBe(true));
      const chart = page.getByRole("slider", { name: /^Requests by model/ });
      await chart.focus();
      await page.keyboard.press("ArrowLeft");
      await eventually(async () => expect(await chart.getAttribute("aria-valuetext")).toContain(": 3"));
      const tooltip = page.locator(".chart-tooltip");
      const sum = tooltip.locator("p b", { hasText: /^3$/ });
      await sum.waitFor();
      await page.keyboard.press("Escape");
      await tooltip.waitFor({ state: "detached" });
      await eventually(async () => {
        const box = await chart.boundingBox();
        await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 12, (box?.y ?? 0) + 60);
        expect(await sum.count()).toBe(1);
      });
      const line = page.locator(".tile .sparkline path").first();
      await eventually(async () => expect(await line.getAttribute("d")).toMatch(/^M9/));
    } finally {
      await own.stop();
    }
  });

  test("before the first request the page says how to send it, and shows it when it has come", async () => {
    let records: ReturnType<typeof fakeRecords> = [];
    const get = (path: string, answer: FakeRoute["answer"]): FakeRoute => ({ method: "GET", path, answer });
    const own = startFakeApi([
      get("/api/series", ({ query }) => fakeSeries(records, query, Date.now())),
      get("/api/requests", () => ({
        requests: records.map(rowOf),
        next: null,
        complete: true,
        searched_to_ms: null,
      })),
    ]);
    try {
      const watched = await open("/dashboard", {}, own);
      const { page } = watched;
      await page.getByText(`ANTHROPIC_BASE_URL=${own.url}`, { exact: true }).waitFor();
      await isClean(watched);
      await page.goto(`${own.url}/dashboard/requests`);
      await page.getByRole("heading", { name: "No request has come yet" }).waitFor();
      records = fakeRecords(Date.now() - 3 * 86_400_000, 2);
      await page.getByText("The latest request came").waitFor();
      await page.getByRole("link", { name: "Last 7 days" }).click();
      await page.waitForURL("**/requests?from=now-7d");
    } finally {
      await own.stop();
    }
  });

  test("whoever may not read signs in where the page would be, and nothing else is asked of the gateway", async () => {
    let isSignedIn = false;
    const asked: string[] = [];
    const session = (): unknown => ({
      signed_in: isSignedIn,
      can_read: isSignedIn,
      can_write: isSignedIn,
      has_admin_key: true,
      expires_ms: null,
    });
    const own = startFakeApi([
      { method: "GET", path: "/api/session", answer: session },
      {
        method: "POST",
        path: "/api/session",
        answer: () => {
          isSignedIn = true;
          return session();
        },
      },
      {
        method: "GET",
        path: "/api/sessions",
        answer: ({ request }) => {
          asked.push(request.url);
          return isSignedIn ? { sessions: [], next: null } : refused(401, "Sign in.");
        },
      },
    ]);
    try {
      const { page } = await open("/dashboard/sessions?from=now-7d&tenant=a", {}, own);
      await page.getByLabel("Admin key", { exact: true }).fill("the key");
      expect(asked).toEqual([]);
      await page.keyboard.press("Enter");
      await page.getByText("No session in this time").waitFor();
      await page.waitForURL(`${own.url}/dashboard/sessions?from=now-7d&tenant=a`);
      // The session ends elsewhere: the next refusal shows it.
      isSignedIn = false;
      await page.getByRole("button", { name: "30 d" }).click();
      await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    } finally {
      await own.stop();
    }
  });

  test("figures of the range before are not to be read as those of the new one", async () => {
    const { page } = await open("/dashboard?from=now-7d");
    await page.locator(".tiles").waitFor();
    let goOn = (): void => undefined;
    const slow = new Promise<void>((resolve) => (goOn = resolve));
    await page.route("**/api/series?from=now-30d**", async (route) => {
      await slow;
      await route.continue();
    });
    await page.getByRole("button", { name: "30 d" }).click();
    await page.locator(".stale").getByRole("status").getByText("Reading the records").waitFor();
    const opacity = "getComputedStyle(document.querySelector('.stale > .answer')).opacity";
    await eventually(async () => expect(Number(await page.evaluate(opacity))).toBeLessThan(0.5));
    goOn();
    await page.locator(".stale").waitFor({ state: "detached" });
  });

  test("a gateway that is gone is told once, beside what was known, and is found again", async () => {
    const own = startFakeApi();
    const { page } = await open("/dashboard?from=now-7d", {}, own);
    await page.locator(".tiles").waitFor();
    const port = Number(new URL(own.url).port);
    await own.stop();
    await page.getByRole("button", { name: "1 h" }).click();
    const told = page.getByRole("alert");
    await told.getByText("The gateway cannot be reached").waitFor();
    await eventually(async () => expect(await told.count()).toBe(1));
    await eventually(async () => expect(await page.locator(".tiles").count()).toBe(1));
    const again = startFakeApi([], port);
    try {
      await told.waitFor({ state: "detached" });
      await page.locator(".stale").waitFor({ state: "detached" });
    } finally {
      await again.stop();
    }
  });

  test("the chart is also a table", async () => {
    const { page } = await open("/dashboard?from=now-7d&show=requests");
    const chart = page.getByRole("slider", { name: /^Requests by model: \d+ points, [\d.]+k? in all/ });
    await chart.waitFor();
    await page.getByRole("button", { name: "As a table" }).click();
    const rows = page.getByRole("region", { name: "Requests by model: figures" }).getByRole("row");
    await eventually(async () => expect(await rows.count()).toBe(49));
  });

  test("the viewer's theme outlives the page", async () => {
    const { page } = await open("/dashboard", { colorScheme: "light" });
    const ground = (): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByRole("button", { name: "Theme: system. Change to light." }).click();
    await page.getByRole("button", { name: "Theme: light. Change to dark." }).click();
    await eventually(async () => expect(await ground()).not.toBe(light));
    await page.reload();
    await page.getByRole("button", { name: /^Theme: dark/ }).waitFor();
    await eventually(async () => expect(await ground()).not.toBe(light));
  });

  test("what the gateway refuses is said in its own words, with the way to sign in", async () => {
    const refusing = startFakeApi([
      {
        method: "GET",
        path: "/api/series",
        answer: () =>
          Response.json({ error: { message: "Send the <b>admin key</b>.", type: "x" } }, { status: 401 }),
      },
    ]);
    const watched = await openPage(browser, `${refusing.url}/dashboard`);
    opened.push(watched);
    const alert = watched.page.getByRole("alert").filter({ hasText: "Send the <b>admin key</b>." });
    await alert.waitFor();
    await alert.getByRole("link", { name: "Sign in" }).click();
    await watched.page.waitForURL("**/dashboard/sign-in?next=%2Fdashboard");
    await refusing.stop();
  });

  test("the fake API was asked nothing that it does not know", () => {
    expect(api.unknownPaths).toEqual([]);
  });
});
