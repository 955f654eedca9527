// A real Chromium for the dashboard's tests: opens a page with watchers on its console, its content policy and every hostile name.
// What is waited for is asked again from outside (`eventually`): Playwright's waitForFunction asks again inside the page, where the
// content policy forbids it whenever its first look comes too early.

import { readFileSync } from "node:fs";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

const candidates = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Null: this machine has none. CHROMIUM names one that is not in the path. */
export function chromiumPath(): string | null {
  const named = process.env["CHROMIUM"];
  if (named) return named;
  return candidates.map((name) => Bun.which(name)).find((path) => path !== null) ?? null;
}

export function startBrowser(executablePath: string): Promise<Browser> {
  // A container often runs as root, where the browser's own sandbox does not start.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** CHROMIUM_SLOWDOWN=4: the pages' scripts run on a quarter of the machine, as on a slow one. */
async function slowDown(context: BrowserContext, page: Page): Promise<void> {
  const rate = Number(process.env["CHROMIUM_SLOWDOWN"] ?? 1);
  if (rate === 1) return;
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
}

export type Watched = {
  readonly page: Page;
  /** Everything that went wrong so far: errors of the page, refusals of the policy, failed loads, other hosts. */
  readonly complaints: string[];
  close(): Promise<void>;
};

export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(40_000);
  const page = await context.newPage();
  await slowDown(context, page);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (line) => {
    if (line.type() === "error" || line.type() === "warning") complaints.push(`console: ${line.text()}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(address).origin)
      complaints.push(`asks another host: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(`
    window.__refusals = [];
    addEventListener("securitypolicyviolation", (event) =>
      window.__refusals.push(event.violatedDirective + " " + event.blockedURI));
  `);
  await page.goto(address);
  return { page, complaints, close: () => context.close() };
}

type Finding = {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
};

const axe = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Colours halfway to others, and a sheet that is half there, have a contrast that nobody meant. */
const endMotion = `document.getAnimations()
  .filter((each) => each.effect?.getComputedTiming().endTime < Infinity)
  .forEach((each) => each.finish())`;

/** Serious and critical findings of axe, a line each. It is put into the page past its policy, which forbids it as it should. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(endMotion);
  await page.evaluate(axe);
  const findings = (await page.evaluate(
    `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => ({ html })) })))`,
  )) as readonly Finding[];
  return findings
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** What the page must never show, whatever names it was given. */
export async function harm(page: Page): Promise<readonly string[]> {
  const seen = (await page.evaluate(`({
    ran: window.__hostile !== undefined,
    images: document.querySelectorAll("img").length,
    scripts: [...document.querySelectorAll("script")].filter((each) => !each.src).length,
    odd: [...document.querySelectorAll("a[href]")].map((each) => each.protocol)
      .filter((protocol) => !/^https?:$/.test(protocol)),
    refusals: window.__refusals,
    raw: /[\\u0000-\\u0008\\u001b\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText),
  })`)) as {
    readonly ran: boolean;
    readonly images: number;
    readonly scripts: number;
    readonly odd: readonly string[];
    readonly refusals: readonly string[];
    readonly raw: boolean;
  };
  return [
    ...(seen.ran ? ["a hostile name ran as a script"] : []),
    ...(seen.images > 0 ? ["a hostile name became an image"] : []),
    ...(seen.scripts > 0 ? ["a script inside the page"] : []),
    ...seen.odd.map((protocol) => `a link with ${protocol}`),
    ...seen.refusals.map((refusal) => `the content policy refused ${refusal}`),
    ...(seen.raw ? ["a control or direction character as it was sent"] : []),
  ];
}

const settleMs = 5_000;

/** How far the page is wider than the window, once it has found its size: a chart is drawn again for it. */
export async function overhang(page: Page): Promise<number> {
  const untilMs = performance.now() + settleMs;
  for (;;) {
    const wide = Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth"));
    if (wide <= 0 || performance.now() > untilMs) return wide;
    await Bun.sleep(50);
  }
}
