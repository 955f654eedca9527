// stats, export, top and the doctor of the API on the one-file program: what they say with and without a gateway, that hostile names
// are inert in them, and that an export leaves a whole file or none.

import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "./support/binary.ts";
import type { Finished } from "./support/program-run.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

const price = { price: { input: 2, output: 8 } };
const config = {
  providers: { demo: { backend: "demo", models: [{ id: "demo", ...price }] } },
  static_rules: { rules: [{ name: "=evil()", match: { model_requested: "evil" }, route_to: "demo" }] },
};

async function run(dir: string, ...args: string[]): Promise<Finished> {
  const child = Bun.spawn([binaryPath(), ...args], {
    cwd: dir,
    env: cleanEnvironment(dir),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

// Header values hold no control characters; session ids and models are JSON.
const hostile = "\u001b[2J\u001b]0;owned\u0007=1+1";

async function ask(gateway: RunningBinary, more: object = {}): Promise<void> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "=cmd|'/C calc'!A0 (x)",
      "x-clawgate-tags": "@tag",
    },
    body: JSON.stringify({ model: "evil", messages: [{ role: "user", content: "hello" }], ...more }),
  });
  await answer.text();
}

async function started(): Promise<{ readonly dir: string; readonly gateway: RunningBinary }> {
  const dir = cleanups.folder("clawgate-records-");
  const gateway = cleanups.stopAtEnd(await startBinary({ config, dir }));
  return { dir, gateway };
}

type Series = { readonly totals: { readonly requests: number; readonly cost_usd: number } };

/** A small parser of RFC 4180: the last line ends with CRLF too. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const field = /("(?:[^"]|"")*"|[^,\r\n"]*)(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const [, value = "", end] = field.exec(text) ?? [];
    if (end === undefined) throw new Error("not RFC 4180");
    rows.at(-1)?.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

const controls = /(?![\r\n])\p{Cc}/u;

describe("with a gateway and then without one", () => {
  test("stats, export and the API agree to the nano, and names are inert", async () => {
    const { dir, gateway } = await started();
    for (let i = 0; i < 5; i++) await ask(gateway, { user: hostile });
    await ask(gateway, { model: hostile });
    const api = (await (await fetch(`${gateway.url}/api/series?bucket=total`)).json()) as Series;
    const stats = await run(dir, "stats", "--json");
    expect((JSON.parse(stats.stdout) as Series).totals).toMatchObject(api.totals);
    expect(api.totals.requests).toBe(6);
    expect(api.totals.cost_usd).toBeGreaterThan(0);

    const csv = await run(dir, "export");
    const [head = [], ...rows] = parseCsv(csv.stdout);
    expect(rows).toHaveLength(6);
    const column = (name: string) => rows.map((row) => row[head.indexOf(name)] ?? "");
    expect(column("rule").slice(0, 5)).toEqual(Array(5).fill("'=evil()"));
    expect(column("client")[0]).toBe("'=cmd|'/C calc'!A0");
    expect(column("tags")[0]).toBe("'@tag");
    const nano = column("cost_usd").reduce((sum, usd) => sum + Math.round(Number(usd) * 1e9), 0);
    expect(Math.round(nano / 1000) / 1e6).toBe(api.totals.cost_usd);
    expect(csv.stdout).not.toMatch(controls);

    for (const args of [["stats"], ["stats", "--by", "model"], ["stats", "--by", "client"], ["top"]]) {
      const { code, stdout } = await run(dir, ...args);
      expect(code).toBe(0);
      expect(stdout).not.toMatch(controls);
      expect(stdout).toContain("demo".slice(0, args.includes("client") ? 0 : 4));
    }
    const whole = await run(dir, "export", "--format", "jsonl");
    expect(await gateway.stop()).toBe(0);

    const offline = await run(dir, "stats", "--json");
    expect(offline.stderr).toContain("this is read from");
    expect((JSON.parse(offline.stdout) as Series).totals).toEqual(
      (JSON.parse(stats.stdout) as Series).totals,
    );
    expect((await run(dir, "export", "--format", "jsonl")).stdout).toBe(whole.stdout);
    expect(await run(dir, "top")).toMatchObject({ code: 1, stdout: "" });
  }, 60_000);

  test("each option selects, and the same without a gateway", async () => {
    const { dir, gateway } = await started();
    const send = (headers: Record<string, string>, body: object): Promise<Response> =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hello" }], ...body }),
      });
    const one = { "user-agent": "one/1.0", "x-clawgate-tags": "red", "x-session-id": "first" };
    await (await send({ ...one, "x-claude-code-agent-id": "explorer" }, {})).text();
    await (await send({ "user-agent": "two/1.0", "x-clawgate-tags": "blue" }, {})).text();
    await (await send({ "user-agent": "two/1.0" }, { model: "nobody" })).text();
    const rows = (await (await fetch(`${gateway.url}/api/requests`)).json()) as {
      requests: { rule_name: string; session: string | null; agent: string | null; timestamp: number }[];
    };
    const first = rows.requests.at(-1);
    const counted = async (...options: string[]): Promise<number> =>
      (JSON.parse((await run(dir, "stats", "--json", ...options)).stdout) as Series).totals.requests;
    const wanted: [string[], number][] = [
      [["--client", "one/1.0"], 1],
      [["--tag", "blue"], 1],
      [["--tag", "green"], 0],
      [["--session", first?.session ?? "?"], 1],
      [["--agent", first?.agent ?? "?"], 1],
      [["--provider", "demo"], 2],
      [["--model", "demo"], 2],
      [["--rule", first?.rule_name ?? "?"], 2],
      [["--status", "failed"], 1],
      [["--status", "404"], 1],
      [["--tenant", "alice"], 0],
      [["--min-usd", "1000"], 0],
      [["--from", "now-1h"], 3],
      [["--to", "now-1h"], 0],
      [["--days", "1"], 3],
    ];
    const told = async (): Promise<[string[], number][]> => {
      const found: [string[], number][] = [];
      for (const [options] of wanted) found.push([options, await counted(...options)]);
      return found;
    };
    expect(await told()).toEqual(wanted);
    const top = await run(dir, "stats", "--by", "client", "--top", "1", "--csv");
    expect(
      top.stdout
        .trim()
        .split("\n")
        .map((line) => line.split(",")[0]),
    ).toEqual(["client", "two/1.0", "other"]);
    expect((await run(dir, "stats", "--daily", "--csv", "--days", "1")).stdout).toMatch(
      /^[a-z_,]*day[^\n]*\n20/,
    );
    const limited = await run(dir, "export", "--json", "--limit", "2");
    expect(limited.stdout.trim().split("\n")).toHaveLength(2);
    const picture = await run(dir, "top", "--once");
    expect([picture.code, picture.stdout]).toEqual([
      0,
      expect.stringContaining("today 3 requests (1 failed)"),
    ]);
    expect(await gateway.stop()).toBe(0);
    expect(await told()).toEqual(wanted);
  }, 90_000);

  test("without a database there is nothing to sum, and the words say what to do", async () => {
    const dir = cleanups.folder("clawgate-records-");
    for (const command of ["stats", "export"]) {
      const { code, stdout, stderr } = await run(dir, command);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("does not exist");
      expect(stderr).toContain("Start the gateway");
    }
  });

  test.each([
    [["stats", "--daily", "--by", "model"], "exclude each other"],
    [["stats", "--from", "yesterday"], "--from must be"],
    [["stats", "--min-usd", "x"], "--min-usd must be an amount"],
    [["stats", "--tz", "Mars/Phobos"], "--tz must be a time zone"],
    [["export", "--format", "xml"], "--format must be one of csv, jsonl"],
    [["export", "--modle", "x"], "did you mean --model?"],
  ])("%j is refused with 64", async (args, words) => {
    const { code, stderr } = await run(cleanups.folder("clawgate-records-"), ...args);
    expect([code, stderr]).toEqual([64, expect.stringContaining(words)]);
  });
});

describe("the file of an export", () => {
  test("appears when it is whole, with the rights of its owner only", async () => {
    const { dir, gateway } = await started();
    await ask(gateway);
    const { code, stdout, stderr } = await run(dir, "export", "--out", "a.jsonl");
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("written to");
    expect(JSON.parse(readFileSync(join(dir, "a.jsonl"), "utf8"))).toMatchObject({ rule_name: "=evil()" });
    expect(await run(dir, "export", "--out", "no/such/folder.csv")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("cannot be written (ENOENT)"),
    });
  });

  test("Ctrl-C and a gateway that dies leave none", async () => {
    const dir = cleanups.folder("clawgate-records-");
    // Stands for a gateway whose export never ends.
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: ({ url }) => {
        if (url.endsWith("/health")) return Response.json({ version: "0.1.0" });
        const stream: Bun.BodyInit = (async function* () {
          for (;;) {
            yield "x".repeat(10_000);
            await Bun.sleep(20);
          }
        })();
        return new Response(stream as BodyInit);
      },
    });
    cleanups.push(() => void server.stop(true));
    const stateDir = join(dir, "clawgate-state");
    const announced = { pid: process.pid, url: server.url.origin, token: "t".repeat(40) };
    mkdirSync(stateDir, { mode: 0o700 });
    writeFileSync(join(stateDir, "run.json"), JSON.stringify(announced), { mode: 0o600 });
    const start = () =>
      Bun.spawn([binaryPath(), "export", "--out", "a.csv"], {
        cwd: dir,
        env: cleanEnvironment(dir),
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 20_000,
        killSignal: "SIGKILL",
      });
    const files = (): string[] => readdirSync(dir).filter((name) => name.includes("a.csv"));
    const begun = async (): Promise<void> => {
      while (files().length === 0) await Bun.sleep(20);
    };
    const first = start();
    await begun();
    first.kill("SIGINT");
    expect(await first.exited).toBe(1);
    expect(files()).toEqual([]);
    const second = start();
    await begun();
    await server.stop(true);
    expect(await second.exited).toBe(1);
    expect(await new Response(second.stderr).text()).toContain("connection to the gateway");
    expect(files()).toEqual([]);
  }, 40_000);
});

test("the doctor of the API reports what the command reports", async () => {
  const { dir, gateway } = await started();
  const refused = await fetch(`${gateway.url}/api/doctor`, { method: "POST" });
  expect(refused.status).toBe(401);
  const answer = await fetch(`${gateway.url}/api/doctor`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.token}` },
  });
  const report = (await answer.json()) as { ok: boolean; findings: { section: string; id: string }[] };
  const command = JSON.parse((await run(dir, "doctor", "--json")).stdout) as typeof report;
  const ids = ({ findings }: typeof report) => findings.map(({ section, id }) => `${section}.${id}`);
  expect(ids(report)).toEqual(ids(command));
  expect(ids(report)).toContain("gateway.running");
  expect(JSON.stringify(report)).not.toContain(gateway.token);
}, 60_000);

test("top --json prints a line a second and ends with its gateway", async () => {
  const { dir, gateway } = await started();
  const child = Bun.spawn([binaryPath(), "top", "--json"], {
    cwd: dir,
    env: cleanEnvironment(dir),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.split("\n").length < 3) text += decoder.decode((await reader.read()).value);
  for (const line of text.trim().split("\n"))
    expect(JSON.parse(line)).toMatchObject({ url: gateway.url, status: "ok", requests: [] });
  await gateway.stop();
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toContain("the gateway has ended");
}, 40_000);
