// What an operator does on the dashboard while it is tried, a step each: every one looks at the gateway itself for its effect.

import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import type { RunningBinary } from "../../test/support/binary.ts";
import { eventually } from "../../test/support/eventually.ts";

export type StepParts = {
  readonly page: Page;
  readonly gateway: RunningBinary;
  readonly adminKey: string;
  readonly tenantKey: string;
  readonly hostile: string;
  streamSlowly(url: string): Promise<string>;
};

/** Returns what is worth telling. Throws what is wrong. */
type Step = readonly [name: string, act: (parts: StepParts) => Promise<string>];

function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

const open = (page: Page, gateway: RunningBinary, path: string): Promise<unknown> =>
  page.goto(`${gateway.url}/dashboard${path === "" ? "" : `/${path}`}`);
const click = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();
const see = (page: Page, text: string): Promise<void> =>
  page.locator("body").getByText(text).first().waitFor();

async function ask(gateway: RunningBinary, path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${gateway.token}` } });
  must(answer.ok, `${path} is answered with ${answer.status}`);
  return (await answer.json()) as Record<string, unknown>;
}

async function statusWith(gateway: RunningBinary, key: string, model: string): Promise<number> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] }),
  });
  await answer.text();
  return answer.status;
}

async function filterAndOpen({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "requests");
  await click(page, "Filter");
  await page.getByLabel("Filter by").selectOption("provider");
  await page.getByLabel("Value").fill("beta");
  await click(page, "Add");
  await page.waitForURL("**provider=beta**");
  const rows = page.locator("tbody tr");
  await rows.filter({ hasText: "beta" }).first().waitFor();
  await eventually(async () =>
    must((await rows.filter({ hasNotText: "beta" }).count()) === 0, "a row is not of beta"),
  );
  return `${await rows.count()} rows of beta`;
}

/** Why did this request go there, and what did it cost: from the gateway's own address. */
async function twoClicks({ page, gateway }: StepParts): Promise<string> {
  await page.goto(gateway.url);
  await page.getByRole("link", { name: "requests", exact: true }).click();
  await page.getByRole("table").getByRole("row").nth(1).getByRole("link").first().click();
  const sheet = page.getByRole("dialog");
  await sheet.getByRole("region", { name: "Why it went there" }).waitFor();
  await sheet.getByRole("region", { name: "Cost" }).waitFor();
  await page.keyboard.press("Escape");
  return "requests, then the first row";
}

/** One that ended before a provider was asked: the list says what was asked for, the sheet that it cost nothing. */
async function refusedOne({ page, gateway, hostile }: StepParts): Promise<string> {
  await open(page, gateway, "requests?status=404");
  const row = page.locator("tbody tr").first();
  must((await row.innerText()).includes(hostile), "the row does not say what was asked for");
  await row.getByRole("link").click();
  const sheet = page.getByRole("dialog");
  await sheet.getByText("It ended before a route was chosen.").waitFor();
  await sheet.getByText("Nobody was asked, so it cost nothing.").waitFor();
  await page.keyboard.press("Escape");
  return "";
}

async function cancel({ page, gateway, streamSlowly }: StepParts): Promise<string> {
  const ended = streamSlowly(gateway.url);
  await open(page, gateway, "live");
  await page
    .getByRole("button", { name: /^Cancel the request/ })
    .first()
    .click();
  const text = await ended;
  must(!text.includes("[DONE]"), "the stream came to its own end");
  await eventually(async () => {
    const { requests } = (await ask(gateway, "/api/live")) as { readonly requests: readonly unknown[] };
    must(requests.length === 0, "a request is still running");
  });
  return "";
}

async function testAndReset({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "providers");
  await click(page, "Test alpha");
  await see(page, "It answers.");
  await click(page, "Test down");
  await see(page, "The test failed: unreachable.");
  await click(page, "Reset down");
  await see(page, "failures and rests are forgotten");
  const { providers } = (await ask(gateway, "/api/providers")) as {
    readonly providers: readonly { readonly id: string; readonly state: string }[];
  };
  must(providers.find(({ id }) => id === "down")?.state === "healthy", "the reset had no effect");
  return "";
}

async function tryRoutes({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "routing");
  await see(page, "never hit");
  await page.getByRole("textbox", { name: "Text", exact: true }).fill("what is the weather");
  await page.getByRole("textbox", { name: "Text to compare with (optional)" }).fill("prove the theorem");
  await click(page, "Where would it go?");
  await see(page, "Differences");
  const targets = await page.locator(".route-target").allInnerTexts();
  must(targets.join() === "alpha/fake-large,beta/fake-large", `decided: ${targets.join()}`);
  return targets.join(" and ");
}

async function makeKey({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "tenants");
  await click(page, "New key for team-web");
  await click(page, "Make the key");
  const shown = page.locator("[data-new-key]");
  await shown.waitFor();
  const key = await shown.innerText();
  const fingerprint = await page.getByRole("dialog").locator(".hint code").innerText();
  must((await statusWith(gateway, key, "alpha")) === 200, "the new key is not accepted");
  await click(page, "I have copied it");
  await shown.waitFor({ state: "detached" });
  must(!readFileSync(gateway.configPath, "utf8").includes(key), "the key itself is in the config file");
  const row = page
    .getByRole("article", { name: "Tenant team-web" })
    .locator(".key", { hasText: fingerprint });
  await row.getByRole("button", { name: /^Revoke key/ }).click();
  await click(page, "Revoke");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  must((await statusWith(gateway, key, "alpha")) === 401, "a revoked key is accepted");
  return "made, used, revoked";
}

async function editAndUndo({ page, gateway, tenantKey }: StepParts): Promise<string> {
  const before = readFileSync(gateway.configPath, "utf8");
  await open(page, gateway, "config/edit");
  const editor = page.getByRole("textbox", { name: "Config file" });
  const text = await editor.inputValue();
  must(!text.includes(tenantKey), "the page shows a key");
  await editor.fill(text.replace("quick: alpha", "brand-new: alpha/fake-small, quick: alpha"));
  await click(page, "Review changes");
  await see(page, "Valid.");
  await click(page, "Save");
  await see(page, "Saved, and in force.");
  must(
    (await statusWith(gateway, tenantKey, "brand-new")) === 200,
    "the new alias is not in force, or a key was lost",
  );
  must(readFileSync(gateway.configPath, "utf8").includes("# a name of our own"), "a comment is lost");
  await click(page, "Undo the last save");
  await click(page, "Undo");
  await see(page, "The version before is back");
  must(readFileSync(gateway.configPath, "utf8") === before, "the file is not what it was");
  must((await statusWith(gateway, tenantKey, "brand-new")) === 404, "the alias is still in force");
  return "saved, in force, undone";
}

async function audit({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "config/audit");
  for (const action of ["config undo", "config save", "key revoke", "key create", "provider reset"])
    await see(page, action);
  return "";
}

async function totals({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "");
  const stats = (await ask(gateway, "/api/stats")) as {
    readonly totals: { readonly total_requests: number; readonly total_cost_usd: number };
  };
  const series = (await ask(gateway, "/api/series?from=now-30d&bucket=total")) as {
    readonly totals: { readonly requests: number; readonly cost_usd: number };
  };
  const { total_requests: requests, total_cost_usd: cost } = stats.totals;
  must(series.totals.requests === requests, `${series.totals.requests} and ${requests} requests`);
  must(Math.abs(series.totals.cost_usd - cost) < 0.000_001, `${series.totals.cost_usd} and ${cost} USD`);
  return `${requests} requests, $${cost}`;
}

async function signOut({ page, gateway }: StepParts): Promise<string> {
  await open(page, gateway, "providers");
  await click(page, "Sign out");
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  return "";
}

export const steps: readonly Step[] = [
  ["a filter narrows the requests", filterAndOpen],
  ["two clicks tell why and what it cost", twoClicks],
  ["a refused request says why it cost nothing", refusedOne],
  ["a live request is cancelled", cancel],
  ["a provider is tested and reset", testAndReset],
  ["two texts are decided side by side", tryRoutes],
  ["a key is made, used and revoked", makeKey],
  ["the config is edited and undone", editAndUndo],
  ["the audit log tells it", audit],
  ["page and /api/stats have the same totals", totals],
  ["signing out", signOut],
];
