// `npm run trial -- dashboard [--folder DIR]`: the dashboard of the compiled program in a real Chromium, with real traffic behind it.
// Every page in light, dark and from 390 to 3840 px, then what an operator does there. Pictures of the pages are left in DIR.

import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import {
  chromiumPath,
  harm,
  openPage,
  overhang,
  seriousFindings,
  startBrowser,
  type Watched,
} from "../../test/dashboard/browser.ts";
import { binaryPath, type RunningBinary, runBinary, startBinary } from "../../test/support/binary.ts";
import { startUpstream, type Upstream } from "../../test/support/upstream.ts";
import { adminKey, configText, hostile, sendTraffic, streamSlowly, tenantKey } from "./dashboard-traffic.ts";
import { steps } from "./dashboard-steps.ts";
import type { Trial, TrialOptions, TrialReport } from "./trial.ts";

const looks = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["390", { viewport: { width: 390, height: 844 }, isMobile: true }],
  ["768", { viewport: { width: 768, height: 1024 } }],
  ["3840", { viewport: { width: 3840, height: 2160 } }],
] as const;

const pages = [
  ["", "Overview"],
  ["live", "Live"],
  ["requests", "Requests"],
  ["sessions", "Sessions"],
  ["providers", "Providers"],
  ["routing", "Routing"],
  ["tenants", "Tenants"],
  ["claude-code", "Claude Code"],
  ["alerts", "Alerts"],
  ["config", "Config"],
  ["config/edit", "Config"],
  ["config/audit", "Config"],
] as const;

const assetMark = 300_000;

class Report {
  readonly lines: string[] = [];
  isHeld = true;

  async step(name: string, act: () => Promise<string>): Promise<void> {
    try {
      this.lines.push(`ok    ${name}${this.note(await act())}`);
    } catch (problem) {
      this.isHeld = false;
      this.lines.push(`FAIL  ${name}: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }

  private note(text: string): string {
    return text === "" ? "" : `: ${text}`;
  }
}

/** Statuses that a step provokes are logged by the browser as errors. */
async function problemsOf({ page, complaints }: Watched): Promise<readonly string[]> {
  const wide = await overhang(page);
  return [
    ...complaints,
    ...(await harm(page)),
    ...(await seriousFindings(page)),
    ...(wide > 0 ? [`the page is ${wide} px wider than the window`] : []),
  ];
}

async function signIn(page: Page, gateway: RunningBinary): Promise<void> {
  const printed = await runBinary(["dashboard", "--json", "--state-dir", gateway.stateDir], gateway.work);
  const { code } = JSON.parse(printed.stdout) as { readonly code: string };
  await page.goto(`${gateway.url}/dashboard/sign-in`);
  await page.getByRole("button", { name: "One-time code" }).click();
  await page.getByRole("textbox", { name: "One-time code" }).fill(code);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Overview", includeHidden: true }).waitFor();
}

async function assetBytes({ url }: RunningBinary): Promise<number> {
  const page = await (await fetch(`${url}/dashboard`)).text();
  const names = [...page.matchAll(/\/dashboard\/assets\/[\w.]+/g)].map(([name]) => name);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const headers = { "accept-encoding": "gzip" };
      const answer = await fetch(url + name, { headers, decompress: false });
      return (await answer.arrayBuffer()).byteLength;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, page.length);
}

async function lookAtPages(
  watched: Watched,
  gateway: RunningBinary,
  report: Report,
  shots: string,
): Promise<void> {
  const { page } = watched;
  for (const [path, title] of pages)
    await report.step(`${title} /${path} (${shots.split("/").at(-1)})`, async () => {
      await page.goto(`${gateway.url}/dashboard${path === "" ? "" : `/${path}`}`);
      await page.getByRole("heading", { level: 1, name: title, exact: true, includeHidden: true }).waitFor();
      await page.locator(".spinner").first().waitFor({ state: "detached" });
      await page.screenshot({
        path: join(shots, `${path.replaceAll("/", "-") || "overview"}.png`),
        fullPage: true,
      });
      const problems = await problemsOf(watched);
      watched.complaints.length = 0;
      if (problems.length > 0) throw new Error(problems.slice(0, 5).join(" | "));
      return "";
    });
}

async function lookAndAct(folder: string, executable: string): Promise<Report> {
  const report = new Report();
  const upstream: Upstream = startUpstream();
  const gateway = await startBinary({ config: configText(upstream.url), program: binaryPath() });
  const browser = await startBrowser(executable);
  try {
    await report.step("mixed traffic", () => sendTraffic(gateway.url));
    await report.step("the page and its files are small", async () => {
      const bytes = await assetBytes(gateway);
      if (bytes > assetMark) throw new Error(`${bytes} bytes gzipped, the mark is ${assetMark}`);
      return `${bytes} bytes gzipped`;
    });
    for (const [look, options] of looks) {
      const shots = join(folder, look);
      mkdirSync(shots, { recursive: true });
      const watched = await openPage(browser, `${gateway.url}/dashboard`, options);
      await report.step(`signing in with a one-time code (${look})`, async () => {
        await signIn(watched.page, gateway);
        watched.complaints.length = 0;
        return "";
      });
      await lookAtPages(watched, gateway, report, shots);
      await watched.close();
    }
    const watched = await openPage(browser, `${gateway.url}/dashboard`);
    await report.step("signing in", () => signIn(watched.page, gateway).then(() => ""));
    const parts = { page: watched.page, gateway, adminKey, tenantKey, hostile, streamSlowly };
    for (const [name, act] of steps) await report.step(name, () => act(parts));
    await report.step("nothing was refused by the content policy", async () => {
      const harmful = await harm(watched.page);
      if (harmful.length > 0) throw new Error(harmful.join(" | "));
      return "";
    });
    await watched.close();
  } finally {
    await browser.close();
    await gateway.stop();
    await upstream.stop();
  }
  return report;
}

async function runTrial({ folder }: TrialOptions): Promise<TrialReport> {
  const executable = chromiumPath();
  if (executable === null)
    return {
      lines: ["There is no Chromium on this machine (CHROMIUM names one): nothing was tried."],
      isHeld: false,
    };
  const shots = folder ?? mkdtempSync(join(tmpdir(), "clawgate-dashboard-"));
  const { lines, isHeld } = await lookAndAct(shots, executable);
  return { lines: [...lines, `pictures: ${shots}`], isHeld };
}

export const dashboardTrial: Trial = {
  purpose:
    "every page of the dashboard in Chromium, light, dark and 390 to 3840 px wide, and what an operator does there (--folder)",
  run: runTrial,
};
