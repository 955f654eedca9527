// The key that `clawgate connect` makes where the gateway asks for keys: taken back if a later step fails, never over what somebody else
// has written meanwhile, never left without being said, and told where others could read it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJournal } from "../../src/connect/journal.ts";
import { sha256Hex } from "../../src/system/secret.ts";
import { type Home, ownHome } from "./command-run.ts";
import { type Heard, type StandIn, startStandIn } from "./stand-in.ts";

const config =
  '# all\nauth: { keys: ["a-key-of-the-operator-1"] } # mine\nserver: { port: 4567 }\nproviders: { demo: { backend: demo } }\n';
const settings = ".claude/settings.json";

let home: Home;
let gateway: StandIn | null;
beforeEach(() => {
  home = ownHome();
  mkdirSync(home.stateDir, { mode: 0o700 });
  home.put("clawgate.yaml", config);
  gateway = null;
});
afterEach(() => {
  gateway?.stop();
  home.remove();
});

const named = (): readonly string[] => ["--config", home.at("clawgate.yaml")];
const connectIt = (...more: readonly string[]) =>
  home.run(["connect", "claude-code", "--yes", ...more, ...named()]);
const disconnectIt = (...more: readonly string[]) =>
  home.run(["disconnect", "claude-code", "--yes", ...more, ...named()]);
const written = (): string => home.read("clawgate.yaml");
const clientsIn = (): readonly { readonly name: string; readonly key: string }[] =>
  (Bun.YAML.parse(written()) as { auth: { clients?: { name: string; key: string }[] } }).auth.clients ?? [];
const keyIn = (): string =>
  (JSON.parse(home.read(settings)) as { env: Record<string, string> }).env["ANTHROPIC_AUTH_TOKEN"] ?? "";

/** A gateway that asks for keys; `onReload` answers POST /api/reload, or whatever else comes after the key was written. */
async function runGateway(onReload: (heard: Heard) => Response, onModels?: () => void): Promise<void> {
  gateway = await startStandIn({
    stateDir: home.stateDir,
    answer(heard) {
      if (heard.path === "/api/reload") return onReload(heard);
      if (heard.path !== "/v1/models") return Response.json({}, { status: 404 });
      if (heard.headers.get("authorization") === null) return Response.json({}, { status: 401 });
      onModels?.();
      return Response.json({ data: [{ id: "auto" }] });
    },
  });
}

const refused = (): Response => Response.json({ error: { message: "not now" } }, { status: 503 });

describe("a step that fails", () => {
  test("the gateway does not read its config: the file is as before, and nothing is connected", async () => {
    await runGateway(refused);
    const done = await connectIt();
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("not now");
    // It may have read it in spite of its answer.
    expect(done.stderr).toContain("`clawgate reload`");
    expect(written()).toBe(config);
    expect(existsSync(home.at(settings))).toBe(false);
    expect(await readJournal(home.stateDir)).toEqual([]);
  });

  test("somebody edits the config meanwhile: that stays, and only our key goes", async () => {
    const edited = (text: string): string => text.replace("# all", "# mine").replace("4567", "4568");
    await runGateway(() => {
      home.put("clawgate.yaml", edited(written()));
      return refused();
    });
    const done = await connectIt();
    expect(done.code).toBe(1);
    expect(written()).toBe(edited(config));
    expect(await readJournal(home.stateDir)).toEqual([]);
  });

  test("somebody puts another key in the place of ours: it is theirs, and said", async () => {
    const other = `sha256:${"0".repeat(64)}`;
    await runGateway(() => {
      home.put("clawgate.yaml", written().replace(/sha256:[0-9a-f]{64}/, other));
      return refused();
    });
    const done = await connectIt();
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("claude-code in auth.clients of");
    expect(done.stderr).toContain("was changed since and is left");
    expect(clientsIn()).toEqual([{ name: "claude-code", key: other }]);
    expect(await readJournal(home.stateDir)).toEqual([]);
  });

  test("what cannot be taken back is told with the command that does it, and that does", async () => {
    await runGateway(() => {
      // No edit can be read back any more.
      home.put("clawgate.yaml", `${written()}broken: [\n`);
      return refused();
    });
    const done = await connectIt();
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain("the key claude-code that was made is still in auth.clients of");
    expect(done.stderr).toContain("`clawgate disconnect claude-code` removes it");
    gateway?.stop();
    rmSync(join(home.stateDir, "run.json"));
    home.put("clawgate.yaml", written().replace("broken: [\n", ""));
    const list = await home.run(["connect", "--list", "--json", "claude-code", ...named()]);
    expect(JSON.parse(list.stdout)).toMatchObject({
      clients: [{ state: "changed", changes: [expect.stringContaining("its key claude-code is in")] }],
    });
    expect((await disconnectIt()).code).toBe(0);
    expect(written()).toBe(config);
    expect(await readJournal(home.stateDir)).toEqual([]);
  });

  test("the client's file cannot be written after the key was made", async () => {
    await runGateway(
      () => Response.json({}),
      () => home.put(settings, "{ broken"),
    );
    const done = await connectIt();
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("settings.json: it is not JSON");
    expect(written()).toBe(config);
    expect(gateway?.heard.filter(({ path }) => path === "/api/reload")).toHaveLength(2);
    expect(await readJournal(home.stateDir)).toEqual([]);
  });

  test("killed between the key and the client's file: disconnect takes the key out", async () => {
    let pending: unknown;
    await runGateway(() => {
      pending = JSON.parse(home.read("state/connections.json"));
      return refused();
    });
    await connectIt();
    expect(pending).toMatchObject({
      connections: [{ client: "claude-code", files: [], keyEdit: { name: "claude-code" } }],
    });
  });
});

describe("entries of others", () => {
  const theirs = `sha256:${sha256Hex("a-key-of-somebody-else")}`;
  const shared = config.replace('"] }', `"], clients: [{ name: claude-code, key: "${theirs}" }] }`);

  test("are neither replaced nor put back: the key gets another name", async () => {
    home.put("clawgate.yaml", shared);
    expect((await connectIt()).code).toBe(0);
    expect(clientsIn()).toEqual([
      { name: "claude-code", key: theirs },
      { name: "claude-code-2", key: `sha256:${sha256Hex(keyIn())}` },
    ]);
    const key = keyIn();
    expect((await connectIt()).code).toBe(0);
    expect(keyIn()).toBe(key);
    expect((await disconnectIt()).code).toBe(0);
    expect(written()).toBe(shared);
  });

  test("an old key of ours that the client has lost is not let in again", async () => {
    await connectIt();
    const first = sha256Hex(keyIn());
    home.put(settings, home.read(settings).replace(/[0-9a-f]{64}/, "lost"));
    expect((await connectIt()).code).toBe(0);
    expect(clientsIn()).toEqual([{ name: "claude-code", key: `sha256:${sha256Hex(keyIn())}` }]);
    expect((await disconnectIt()).code).toBe(0);
    expect(written()).not.toContain(first);
    expect(clientsIn()).toEqual([]);
  });
});

describe("disconnecting", () => {
  test("a config that cannot be edited: the client is as before, the key stays known until it is gone", async () => {
    await connectIt();
    const good = written();
    home.put("clawgate.yaml", `${good}broken: [\n`);
    const done = await disconnectIt();
    expect(done.code).toBe(0);
    expect(done.stdout).toContain("When that is mended, `clawgate disconnect claude-code` does it");
    expect(existsSync(home.at(settings))).toBe(false);
    home.put("clawgate.yaml", good);
    expect((await disconnectIt()).code).toBe(0);
    expect(written()).toBe(config);
    expect((await disconnectIt()).stdout).toContain("is not connected");
  });

  test("a config that was moved since: the key goes out of it there", async () => {
    await connectIt();
    const hash = sha256Hex(keyIn());
    home.put("other.yaml", written());
    rmSync(home.at("clawgate.yaml"));
    const done = await home.run(["disconnect", "claude-code", "--yes", "--config", home.at("other.yaml")]);
    expect(done.code).toBe(0);
    expect(home.read("other.yaml")).not.toContain(hash);
  });
});

describe("where others could read the key", () => {
  const notesOf = async (...args: readonly string[]): Promise<readonly string[]> => {
    const environment = { PATH: "/usr/bin:/bin" };
    const dry = await home.run(["connect", ...args, "--dry-run", "--json", ...named()], { environment });
    expect(dry.stderr).toBe("");
    return (JSON.parse(dry.stdout) as { notes: string[] }).notes.filter((each) =>
      each.includes("holds a key"),
    );
  };
  const inProject = ["claude-code", "--scope", "project"];

  test("by the mode of the file, in the text as well", async () => {
    home.put(settings, "{}\n", 0o644);
    expect(await notesOf("claude-code")).toEqual([
      `${home.at(settings)} holds a key and others may read it (mode 0644): \`chmod 600\` it`,
    ]);
    expect((await connectIt()).stdout).toContain("others may read it (mode 0644)");
    chmodSync(home.at(settings), 0o600);
    expect(await notesOf("claude-code")).toEqual([]);
  });

  test("nothing to say of a new file, nor of the word that is no secret", async () => {
    expect(await notesOf("claude-code")).toEqual([]);
    home.put(settings, "{}\n", 0o644);
    home.put("clawgate.yaml", config.replace(/auth.*\n/, ""));
    expect(await notesOf("claude-code")).toEqual([]);
  });

  const git = (...args: readonly string[]): void => {
    const done = Bun.spawnSync(["git", ...args], {
      cwd: home.dir,
      env: { PATH: "/usr/bin:/bin", HOME: home.dir },
    });
    if (!done.success) throw new Error(done.stderr.toString());
  };

  test("by a git repository that does not ignore it, or tracks it", async () => {
    git("init", "-q");
    const path = home.at(".claude/settings.local.json");
    const inside = `${path} holds a key and lies in the git repository ${home.dir}`;
    expect(await notesOf(...inProject)).toEqual([
      `${inside}, which does not ignore it: add it to .gitignore`,
    ]);
    writeFileSync(home.at(".gitignore"), "*.local.json\n");
    expect(await notesOf(...inProject)).toEqual([]);
    home.put(".claude/settings.local.json", "{}\n");
    git("add", "-f", ".claude/settings.local.json");
    expect(await notesOf(...inProject)).toEqual([`${inside}, which tracks it: do not commit it`]);
  });

  test("asking git starts nothing that the repository names", async () => {
    git("init", "-q");
    home.put("spy", `#!/bin/sh\ntouch ${home.at("spied")}\n`, 0o755);
    git("config", "core.fsmonitor", home.at("spy"));
    home.put(".claude/settings.local.json", "{}\n");
    expect(await notesOf(...inProject)).toHaveLength(1);
    expect(existsSync(home.at("spied"))).toBe(false);
  });
});
