// Two real OpenClaw instances (two profiles) as two tenants of one gateway, at the same time: neither sees anything of the
// other. Run it by path: bun test ./test/heavy/openclaw-tenants.heavy.ts. Never leaves loopback but for npm.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { eventually } from "../support/eventually.ts";
import { openOpenclawGateway, type OpenclawGateway, readingTurn } from "./openclaw-gateway.ts";

const limitMs = 240_000;
const admin = "admin-key-0123456789";
const instances = [
  { tenant: "local", state: ".openclaw", flags: [], words: "the heron stands still" },
  { tenant: "work", state: ".openclaw-work", flags: ["--profile", "work"], words: "the otter dives deep" },
] as const;

let stack: OpenclawGateway;
beforeAll(async () => {
  stack = await openOpenclawGateway(Object.fromEntries(instances.map(({ state, words }) => [state, words])), {
    auth: { admin_key: admin },
  });
  for (const { tenant, state } of instances) {
    const skill = join(stack.dir, state, "workspace", "skills", `only-${tenant}`);
    mkdirSync(skill, { recursive: true });
    writeFileSync(
      join(skill, "SKILL.md"),
      `---\nname: only-${tenant}\ndescription: of ${tenant}\n---\nFor ${tenant}.\n`,
    );
  }
}, openTimeoutMs + 300_000);
afterAll(() => stack?.close());

async function get(path: string, key = admin): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(stack.gateway.url + path, { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** A turn of each, both at once. */
async function bothAtOnce(): Promise<void> {
  const turns = await Promise.all(
    instances.map(({ state, flags }) => stack.openclaw([...flags, ...readingTurn(stack, state)])),
  );
  for (const [at, { words }] of instances.entries()) {
    const turn = turns[at];
    const other = instances[1 - at];
    if (turn === undefined || turn.code !== 0)
      throw new Error(`${turn?.stdout.slice(-1500)}\n${turn?.stderr.slice(-1500)}`);
    expect(turn.stdout).toContain(words);
    expect(turn.stdout).not.toContain(other?.words ?? "?");
  }
}

test(
  "one set-up for both, and a tool turn of each at the same time: keys, sessions, records and statistics apart",
  async () => {
    const done = await stack.clawgate("setup", "--yes", "--primary", "--json");
    if (done.code !== 0) throw new Error(`${done.stdout}\n${done.stderr}`);
    const verdict = "set up; OpenClaw accepts its config";
    expect(JSON.parse(done.stdout)).toMatchObject({
      ok: true,
      outcome: instances.map(({ tenant }) => ({ tenant, ok: true, verdict })),
    });
    const keys = await Promise.all(instances.map(({ state }) => stack.keyIsKnown(state)));
    expect(new Set(keys).size).toBe(2);
    await bothAtOnce();

    let records: readonly Record<string, unknown>[] = [];
    const ofTenant = (tenant: string) => records.filter((record) => record["tenant"] === tenant);
    await eventually(async () => {
      records = (await get("/api/recent?limit=100")).body["requests"] as Record<string, unknown>[];
      for (const { tenant } of instances) {
        expect(ofTenant(tenant).length).toBeGreaterThanOrEqual(2);
        const { body: stats } = await get(`/api/stats?tenant=${tenant}`);
        expect(stats["totals"]).toMatchObject({ total_requests: ofTenant(tenant).length });
      }
    });
    for (const { tenant } of instances) {
      const own = ofTenant(tenant);
      const sessions = new Set<unknown>(
        own.map((record) => record["session"]).filter((each) => each !== null),
      );
      const others = records.filter((record) => record["tenant"] !== tenant);
      expect(sessions.size).toBeGreaterThan(0);
      expect(others.filter((record) => sessions.has(record["session"]))).toEqual([]);
    }
    expect(records.every((record) => instances.some(({ tenant }) => tenant === record["tenant"]))).toBe(true);
    // A tenant's key reads no statistics, its own neither: those are the operator's.
    for (const key of keys)
      for (const path of ["/api/stats?tenant=work", "/api/recent", "/api/tenants", "/api/live"])
        expect([path, (await get(path, key)).status]).toEqual([path, 401]);
    // No request carried a word of the other one's instance.
    for (const request of stack.upstream.requests) {
      const said = instances.filter(
        ({ words, tenant }) => request.rawBody.includes(words) || request.rawBody.includes(`only-${tenant}`),
      );
      expect(said.length).toBeLessThanOrEqual(1);
    }
    for (const [at, { tenant }] of instances.entries()) {
      const state = stack.env["CLAWGATE_STATE_DIR"] ?? join(stack.dir, ".local", "state", "clawgate");
      const skills = join(state, "skills", tenant);
      expect(existsSync(join(skills, `only-${tenant}`, "SKILL.md"))).toBe(true);
      expect(existsSync(join(skills, `only-${instances[1 - at]?.tenant}`))).toBe(false);
    }
  },
  limitMs,
);

test(
  "a new key for one of them, written into its OpenClaw by the same command: both go on, the old key is dead",
  async () => {
    const old = await stack.keyIsKnown(".openclaw");
    const rotated = await stack.clawgate("manage", "rotate-key", "local", "--apply", "--json");
    if (rotated.code !== 0) throw new Error(`${rotated.stdout}\n${rotated.stderr}`);
    expect(JSON.parse(rotated.stdout)).toMatchObject({
      ok: true,
      instances: [{ tenant: "local", verdict: "set up; OpenClaw accepts its config" }],
    });
    await stack.keyIsKnown(".openclaw");
    expect((await get("/v1/models", old)).status).toBe(401);
    await bothAtOnce();
  },
  limitMs,
);

test(
  "manage remove --apply takes one out, its OpenClaw too; the other does not notice",
  async () => {
    const removed = await stack.clawgate("manage", "remove", "work", "--apply", "--json");
    if (removed.code !== 0) throw new Error(`${removed.stdout}\n${removed.stderr}`);
    expect(stack.read(".openclaw-work/openclaw.json")).not.toContain("clawgate");
    expect(stack.read(".openclaw-work/.env")).toBe("");
    const turn = await stack.openclaw(readingTurn(stack, ".openclaw"));
    expect(turn.stdout).toContain(instances[0].words);
    expect((await stack.clawgate("manage", "apply", "local")).stdout).toContain("local: nothing to change");
  },
  limitMs,
);
