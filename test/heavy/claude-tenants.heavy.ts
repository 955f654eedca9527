// The real `claude` behind the built program for several tenants at once: each has its own skills, variables, folders and (for
// a gateway of root's) user, and sees nothing of the others. Run it by path: bun test ./test/heavy/claude-tenants.heavy.ts.
// It never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { type Recorded, startUpstream, type Upstream } from "../support/upstream.ts";
import { claudeProgram } from "./claude-program.ts";

const isRoot = process.getuid?.() === 0;
const limitMs = 120_000;
const names = isRoot ? (["alice", "bob", "nobody"] as const) : (["alice", "bob"] as const);
const keyOf = (name: string): string => `key-of-${name}-0123456789`;

let upstream: Upstream;
let gateway: RunningBinary;
let dir: string;

beforeAll(async () => {
  upstream = startUpstream();
  dir = mkdtempSync(join(tmpdir(), "claude-tenants-"));
  chmodSync(dir, 0o755);
  // A clone may lie where no other user gets to.
  const bin = join(dir, "claude");
  copyFileSync(claudeProgram(), bin);
  chmodSync(bin, 0o755);
  for (const name of names) {
    const skill = join(dir, "skills", name, `of-${name}`);
    mkdirSync(skill, { recursive: true });
    writeFileSync(
      join(skill, "SKILL.md"),
      `---\nname: of-${name}\ndescription: knows ${name}\n---\nThe word of ${name} is heron-${name}.\n`,
    );
  }
  chmodSync(join(dir, "skills"), 0o700);
  const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  for (const place of ["config", "work"]) {
    const path = join(dir, `nobody-${place}`);
    mkdirSync(path, { mode: 0o700 });
    if (isRoot) chownSync(path, Number(nobody[1]), Number(nobody[2]));
  }
  const apart = {
    uid: "nobody",
    config_dir: join(dir, "nobody-config"),
    working_dir: join(dir, "nobody-work"),
  };
  gateway = await startBinary({
    config: {
      cli: {
        bin,
        tools: ["Bash"],
        warm: 0,
        max_concurrent: 3,
        env: { ANTHROPIC_BASE_URL: upstream.url, ANTHROPIC_API_KEY: "sk-ant-dummy" },
      },
      skills: { dir: join(dir, "skills") },
      tenants: names.map((name) => ({
        name,
        api_key: keyOf(name),
        env: { SECRET_WORD: `otter-${name}` },
        ...(name === "nobody" ? apart : {}),
      })),
    },
  });
}, openTimeoutMs + 300_000);

afterAll(async () => {
  await gateway?.stop();
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

async function ask(name: string, prompt: string): Promise<string> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keyOf(name)}` },
    body: JSON.stringify({ model: "sonnet", messages: [{ role: "user", content: prompt }] }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}\n${gateway.output()}`);
  return text;
}

const tool = (name: string, input: object): string => `[[tool:${name} ${JSON.stringify(input)}]]`;
const asksOf = (name: string): readonly Recorded[] =>
  upstream.requests.filter(({ rawBody }) => rawBody.includes(`openclaw-tenant: ${name} `));

test(
  "all at once: each model gets its own tenant's skills, and can load them",
  async () => {
    await Promise.all(names.map((name) => ask(name, tool("Skill", { skill: `openclaw:of-${name}` }))));
    for (const name of names) {
      const bodies = asksOf(name).map(({ rawBody }) => rawBody);
      expect(bodies.length).toBeGreaterThanOrEqual(2);
      expect(bodies[0]).toContain(`- openclaw:of-${name}: knows ${name}`);
      expect(bodies.at(-1)).toContain(`The word of ${name} is heron-${name}.`);
      for (const other of names.filter((each) => each !== name))
        for (const body of bodies) expect(body).not.toContain(`of-${other}`);
    }
  },
  limitMs,
);

test(
  "all at once: each tenant's tools run with its own variables, in its own folder, as its own user",
  async () => {
    const command = "echo word=$SECRET_WORD who=$(id -un) at=$(pwd); env | grep -c otter-";
    const said = await Promise.all(names.map((name) => ask(name, tool("Bash", { command }))));
    const folders = new Set<string>();
    for (const [at, name] of names.entries()) {
      const [, word, who, folder, count] =
        /word=(\S+) who=(\S+) at=(\S+?)\\n(\d+)/.exec(said[at] ?? "") ?? [];
      expect([word, count]).toEqual([`otter-${name}`, "1"]);
      if (isRoot) expect(who).toBe(name === "nobody" ? "nobody" : "root");
      folders.add(folder ?? "");
    }
    expect(folders.size).toBe(names.length);
  },
  limitMs,
);

test.if(isRoot)(
  "a tenant that is another user reads nothing of the gateway's or of the other tenants'",
  async () => {
    const config = gateway.configPath;
    const command = `cat ${config} ${join(dir, "skills", "alice", "of-alice", "SKILL.md")}; ls ${join(dir, "skills")}; echo end`;
    const said = await ask("nobody", tool("Bash", { command }));
    expect(said.match(/Permission denied/g)?.length).toBe(3);
    expect(said).not.toContain("heron-alice");
  },
  limitMs,
);
