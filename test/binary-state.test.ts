// The one-file program where its state directory cannot be used: it says so with path and remedy, keeps its state in memory,
// and serves.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { binaryPath, cleanEnvironment, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

// For root no folder is read-only by its mode.
const isRoot = process.getuid?.() === 0;
const user = isRoot ? { uid: 65_534, gid: 65_534 } : null;
const config = { providers: { demo: { backend: "demo" } }, auth: { admin_key: "admin-key-0123456789" } };

type App = { readonly dir: string; readonly stateDir: string };
type Case = {
  readonly name: string;
  readonly says: string;
  prepare(app: App): void;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

const cases: readonly Case[] = [
  {
    name: "is read-only",
    says: "cannot be written to (EACCES)",
    prepare: ({ stateDir }) => mkdirSync(stateDir, { mode: 0o500 }),
  },
  {
    name: "cannot be made",
    says: "/locked/state'",
    prepare({ dir }) {
      mkdirSync(join(dir, "locked"), { mode: 0o500 });
    },
    env: { CLAWGATE_STATE_DIR: "locked/state" },
  },
  {
    name: "is a file",
    says: "is not a plain directory",
    prepare: ({ stateDir }) => writeFileSync(stateDir, ""),
  },
  {
    name: "is a link",
    says: "may not be a symbolic link",
    prepare({ dir, stateDir }) {
      mkdirSync(join(dir, "elsewhere"));
      symlinkSync(join(dir, "elsewhere"), stateDir);
    },
  },
  {
    name: "lies in a home that is not there",
    says: "/nonexistent",
    prepare: () => undefined,
    env: { CLAWGATE_STATE_DIR: undefined, XDG_STATE_HOME: undefined, HOME: "/nonexistent" },
  },
  {
    name: "has no space for run.json",
    says: "run.json could not be written",
    prepare: ({ stateDir }) => mkdirSync(join(stateDir, "run.json"), { recursive: true }),
  },
];

/** An empty folder of the user's own, with what a case puts there. */
function prepared({ prepare }: Case): App & { readonly configPath: string } {
  const dir = cleanups.folder("clawgate-state-test-");
  const app = { dir, stateDir: join(dir, "clawgate-state"), configPath: join(dir, "own.yaml") };
  mkdirSync(join(dir, "work"));
  writeFileSync(app.configPath, JSON.stringify(config), { mode: 0o600 });
  prepare(app);
  const names = readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)));
  if (user !== null) for (const path of [dir, ...names]) lchownSync(path, user.uid, user.gid);
  // Otherwise an ordinary user could not take it away again.
  cleanups.push(() => {
    for (const path of names) if (lstatSync(path).isDirectory()) chmodSync(path, 0o700);
  });
  return app;
}

const chat = (url: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer admin-key-0123456789" },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Hello" }] }),
  });

describe("a state directory that", () => {
  let program: string;
  beforeAll(() => {
    // Where root builds, another user may not look.
    const folder = mkdtempSync(join(tmpdir(), "clawgate-program-"));
    chmodSync(folder, 0o755);
    program = join(folder, "clawgate");
    copyFileSync(binaryPath(), program);
  });
  afterAll(() => rmSync(dirname(program), { recursive: true, force: true }));

  test.each(cases.map((each) => [each.name, each] as const))("%s stops nothing", async (_, each) => {
    const { dir, stateDir, configPath } = prepared(each);
    const stateful = each.env?.["CLAWGATE_STATE_DIR"];
    const gateway = cleanups.stopAtEnd(
      await startBinary({
        config: null,
        args: ["--config", configPath],
        dir,
        program,
        announces: false,
        env: { ...each.env, ...(stateful === undefined ? {} : { CLAWGATE_STATE_DIR: join(dir, stateful) }) },
        ...(user === null ? {} : { user }),
      }),
    );
    expect(gateway.output()).toContain(each.says);
    expect(gateway.output()).toMatch(
      /CLAWGATE_STATE_DIR to a folder of your own|Free space in the state directory/,
    );
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    const answer = await chat(gateway.url);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("demonstration")]);
    const reload = (key: string): Promise<Response> =>
      fetch(`${gateway.url}/api/reload`, { method: "POST", headers: { authorization: `Bearer ${key}` } });
    expect((await reload("")).status).toBe(401);
    expect((await reload("admin-key-0123456789")).status).toBe(200);
    if (each.name === "is read-only") {
      const command = Bun.spawn([program, "reload"], {
        cwd: join(dir, "work"),
        env: cleanEnvironment(dir),
        stdio: ["ignore", "ignore", "pipe"],
        ...user,
      });
      expect(await new Response(command.stderr).text()).toContain(
        `${stateDir} cannot be written to (EACCES)`,
      );
    }
    expect(await gateway.stop()).toBe(0);
    const left = readdirSync(tmpdir()).filter(
      (name) => name.startsWith("clawgate-state-") && !name.includes("test"),
    );
    expect(left.filter((name) => lstatSync(join(tmpdir(), name)).uid === user?.uid)).toEqual([]);
  });
});
