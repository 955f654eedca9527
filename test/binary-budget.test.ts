// The compiled program, killed: what a tenant has spent is known again, by the state file and by the records alone.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beginningOf } from "./pipeline/speaking-formats.ts";
import { goodAnswer } from "./pipeline/test-pipeline.ts";
import { binaryPath, type RunningBinary, startBinary } from "./support/binary.ts";
import { startUpstream, type Upstream } from "./support/upstream.ts";

const key = "alice-key-0123456789";
const admin = "admin-key-0123456789";
let vendor: Upstream;
let dir: string;

beforeAll(() => {
  binaryPath();
  vendor = startUpstream();
  dir = mkdtempSync(join(tmpdir(), "clawgate-budget-"));
}, 120_000);
afterAll(() => {
  vendor.stop();
  rmSync(dir, { recursive: true, force: true });
});

const start = (state: string): Promise<RunningBinary> => {
  const provider = {
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    pricing: { input: 1_000, output: 1_000 },
  };
  return startBinary({
    dir,
    env: { CLAWGATE_STATE_DIR: join(dir, state), CLAWGATE_DB_PATH: join(dir, "records.db") },
    config: {
      health: { check_interval_seconds: 0 },
      auth: { admin_key: admin },
      providers: {
        first: { ...provider, models: ["fake-large"] },
        second: { ...provider, models: ["fake-small"] },
      },
      fallback_chain: ["first", "second"],
      tenants: [{ name: "alice", api_key: key, limits: { budget: { usd_per_day: 100 } } }],
    },
  });
};
const read = async (gateway: RunningBinary, path: string): Promise<unknown> =>
  (await fetch(gateway.url + path, { headers: { authorization: `Bearer ${admin}` } })).json();
async function usedOf(gateway: RunningBinary): Promise<{ tokens: number; usd: number }> {
  const { tenants } = (await read(gateway, "/api/tenants")) as {
    tenants: { used: { today: { tokens: number; usd: number } } }[];
  };
  const today = tenants[0]?.used.today;
  if (today === undefined) throw new Error("there is no tenant");
  return today;
}
const ask = (gateway: RunningBinary, signal?: AbortSignal): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: "first",
      stream: true,
      max_tokens: 50,
      messages: [{ role: "user", content: "hi" }],
    }),
    ...(signal === undefined ? {} : { signal }),
  });

test("killed, it knows what was spent: answers, an answer that was left, a try that was billed and failed", async () => {
  const words = ["word ".repeat(400)];
  const gateway = await start("state");
  vendor.script(goodAnswer);
  for (let i = 0; i < 3; i++) await (await ask(gateway)).text();

  vendor.script(() => ({
    chunks: beginningOf("openai-compat", "text", words),
    ending: "hang",
    cutAfterBytes: 1e7,
  }));
  const leaver = new AbortController();
  const left = await ask(gateway, leaver.signal);
  await left.body?.getReader().read();
  leaver.abort();

  vendor.script((request) =>
    request.body["model"] === "fake-large"
      ? { headers: { "content-type": "text/event-stream" }, body: ": \n\n", ending: "fin" }
      : goodAnswer(request),
  );
  await (await ask(gateway)).text();

  // Written, and so known to whoever comes after.
  let written = 0;
  while (written < 5) {
    const { total_requests: total } = (await read(gateway, "/api/stats")) as { total_requests: number };
    written = total;
  }
  const used = await usedOf(gateway);
  expect(used.usd).toBeGreaterThan((4 * 12 + 500 + 50) / 1_000);
  process.kill(gateway.pid, "SIGKILL");
  await gateway.exited;

  for (const state of ["state", "another"]) {
    const again = await start(state);
    const known = await usedOf(again);
    expect(known.usd).toBeCloseTo(used.usd, 9);
    process.kill(again.pid, "SIGKILL");
    await again.exited;
  }
}, 60_000);

test("killed as soon as an answer has ended, it knows of that one too", async () => {
  vendor.script(goodAnswer);
  let used = { tokens: 0, usd: 0 };
  for (let round = 0; round < 4; round++) {
    const gateway = await start("at-once");
    const known = await usedOf(gateway);
    if (round > 0) expect(known.tokens).toBeGreaterThan(used.tokens);
    used = known;
    await (await ask(gateway)).text();
    process.kill(gateway.pid, "SIGKILL");
    await gateway.exited;
  }
  expect(used.tokens).toBeGreaterThan(0);
}, 60_000);
