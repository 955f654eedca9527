// Hostile config files of clients: links, modes, sizes, bytes that are no text. Nothing is lost, and what is refused is left untouched.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claudeCode } from "../../src/connect/claude-code.ts";
import type { Gateway, Surroundings } from "../../src/connect/client.ts";
import { ClientFileProblem, type LinkBounds, maxFileBytes } from "../../src/connect/client-file.ts";
import {
  boundsOf,
  planConnection,
  stateOf,
  undoConnection,
  undoPlan,
  writeConnection,
} from "../../src/connect/connection.ts";
import { readJournal } from "../../src/connect/journal.ts";

const key = "clawgate-claude-code";
const gateway: Gateway = {
  url: "http://127.0.0.1:4000",
  key,
  models: [],
  command: "clawgate",
  isBilledByKey: true,
};

let dir: string;
let home: string;
let state: string;
let settings: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clawgate-connect-"));
  home = join(dir, "home");
  state = join(dir, "state");
  for (const each of [home, state]) mkdirSync(each, { mode: 0o700 });
  settings = join(home, ".claude", "settings.json");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const around = (): Surroundings => ({
  environment: {},
  homeDirectory: home,
  workingDirectory: join(home, "work"),
  platform: "linux",
  exists: existsSync,
});

function put(data: string | Uint8Array, mode = 0o600): void {
  mkdirSync(join(home, ".claude"), { recursive: true });
  writeFileSync(settings, data);
  chmodSync(settings, mode);
}

const own = (): LinkBounds => ({ homes: [home], called: "your folders" });

async function connectIt(scope: "user" | "project" = "user"): Promise<void> {
  const old = (await readJournal(state))[0] ?? null;
  const now = "2026-12-01T00:00:00.000Z";
  const plan = await planConnection({
    client: claudeCode,
    around: around(),
    scope,
    gateway,
    made: null,
    old,
    version: null,
    now,
  });
  await writeConnection(state, plan, { old, key });
}

async function disconnectIt() {
  const [entry] = await readJournal(state);
  if (entry === undefined) throw new Error("not connected");
  const plan = await undoPlan(entry, boundsOf(around(), entry.project));
  await undoConnection(state, entry, plan);
  return plan;
}

const connectedEnv = (): Record<string, string> =>
  (JSON.parse(readFileSync(settings, "utf8").replace(/^\uFEFF/, "")) as { env: Record<string, string> }).env;

test("a byte order mark, a mode and foreign line ends stay", async () => {
  const before = '\uFEFF{\r\n  "a": 1\r\n}\r\n';
  put(before, 0o640);
  await connectIt();
  expect(connectedEnv()).toMatchObject({ ANTHROPIC_AUTH_TOKEN: key, ENABLE_PROMPT_CACHING_1H: "1" });
  expect(readFileSync(settings, "utf8").startsWith("\uFEFF{\r\n")).toBe(true);
  expect(statSync(settings).mode & 0o777).toBe(0o640);
  expect(readFileSync(`${settings}.clawgate-backup`, "utf8")).toBe(before);
  await disconnectIt();
  expect(readFileSync(settings, "utf8")).toBe(before);
  expect(statSync(settings).mode & 0o777).toBe(0o640);
  expect(existsSync(`${settings}.clawgate-backup`)).toBe(false);
});

test("a link within the home is followed and stays a link; one that leads out of it is refused", async () => {
  const real = join(home, "dotfiles", "settings.json");
  mkdirSync(join(home, "dotfiles"));
  mkdirSync(join(home, ".claude"));
  writeFileSync(real, "{}");
  symlinkSync(real, settings);
  await connectIt();
  expect(lstatSync(settings).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(real, "utf8"))).toHaveProperty("env");
  await disconnectIt();
  expect(readFileSync(real, "utf8")).toBe("{}");
  rmSync(settings);
  const outside = join(dir, "outside.json");
  writeFileSync(outside, "{}");
  symlinkSync(outside, settings);
  await expect(connectIt()).rejects.toThrow("outside your folders");
  expect(readFileSync(outside, "utf8")).toBe("{}");
});

test("a link whose end is missing is followed within the home, and stays a link", async () => {
  mkdirSync(join(home, ".claude"));
  const real = join(home, "dotfiles", "claude", "settings.json");
  symlinkSync(real, settings);
  await connectIt();
  expect(lstatSync(settings).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(real, "utf8"))).toHaveProperty("env");
  await disconnectIt();
  expect(existsSync(join(home, "dotfiles"))).toBe(false);
  expect(lstatSync(settings).isSymbolicLink()).toBe(true);
});

describe("a project", () => {
  const local = ".claude/settings.local.json";
  const project = (): string => join(home, "work");
  const elsewhere = (): string => join(home, "elsewhere");
  beforeEach(() => {
    for (const each of [project(), elsewhere()]) mkdirSync(each);
  });

  const refusals: readonly (readonly [string, () => void, () => string])[] = [
    [
      "its file is a link out of it, into the home",
      () => {
        mkdirSync(join(project(), ".claude"));
        writeFileSync(join(elsewhere(), "x.json"), "{}");
        symlinkSync("../../elsewhere/x.json", join(project(), local));
      },
      () => join(elsewhere(), "x.json"),
    ],
    [
      "a folder above the file is one",
      () => symlinkSync(elsewhere(), join(project(), ".claude")),
      () => join(elsewhere(), "settings.local.json"),
    ],
    [
      "one that leads to a folder that is missing",
      () => symlinkSync("../elsewhere/new/deep", join(project(), ".claude")),
      () => join(elsewhere(), "new"),
    ],
    [
      "its file is one, and leads to nothing",
      () => {
        mkdirSync(join(project(), ".claude"));
        symlinkSync(join(elsewhere(), "new", "x.json"), join(project(), local));
      },
      () => join(elsewhere(), "new"),
    ],
    [
      "a link by way of another",
      () => {
        symlinkSync(elsewhere(), join(project(), "vendor"));
        symlinkSync("vendor", join(project(), ".claude"));
      },
      () => join(elsewhere(), "settings.local.json"),
    ],
    [
      "what git keeps for itself",
      () => {
        mkdirSync(join(project(), ".git"));
        symlinkSync(".git", join(project(), ".claude"));
      },
      () => join(project(), ".git", "settings.local.json"),
    ],
  ];
  test.each(refusals)("%s: refused in words, and nothing is written there", async (_name, make, place) => {
    make();
    const before = existsSync(place()) ? readFileSync(place(), "utf8") : null;
    const failure = await connectIt("project").then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ClientFileProblem);
    expect(String(failure)).toContain("outside the project: nothing is written there");
    expect(existsSync(place()) ? readFileSync(place(), "utf8") : null).toBe(before);
    expect(await readJournal(state)).toEqual([]);
  });

  test("a link that stays in it is followed", async () => {
    mkdirSync(join(project(), "config"));
    symlinkSync("config", join(project(), ".claude"));
    await connectIt("project");
    expect(readFileSync(join(project(), "config", "settings.local.json"), "utf8")).toContain(key);
    await disconnectIt();
    expect(existsSync(join(project(), "config", "settings.local.json"))).toBe(false);
  });

  test("a link that was put there since is not followed to take anything back", async () => {
    await connectIt("project");
    const kept = readFileSync(join(project(), local), "utf8");
    rmSync(join(project(), ".claude"), { recursive: true });
    writeFileSync(join(elsewhere(), "settings.local.json"), kept);
    symlinkSync(elsewhere(), join(project(), ".claude"));
    await expect(disconnectIt()).rejects.toThrow("outside the project");
    expect(readFileSync(join(elsewhere(), "settings.local.json"), "utf8")).toBe(kept);
  });

  test("in a home that is reached by a link itself", async () => {
    const alias = join(dir, "alias");
    symlinkSync(home, alias);
    home = alias;
    await connectIt("project");
    expect(existsSync(join(project(), local))).toBe(true);
    await disconnectIt();
    expect(existsSync(join(project(), ".claude"))).toBe(false);
  });
});

test("a config that was moved: taken back where the client has it now", async () => {
  put('{\n  "a": 1\n}\n');
  await connectIt();
  const moved = join(home, "moved.json");
  renameSync(settings, moved);
  const [entry] = await readJournal(state);
  if (entry === undefined) throw new Error("not connected");
  const others = join(home, "others.json");
  writeFileSync(others, '{"env":{"ANTHROPIC_BASE_URL":"http://mine.test"}}');
  const places = [others, moved].map((path) => ({ path, format: "json" as const }));
  const plan = await undoPlan(entry, own(), places);
  expect([plan.gone, plan.left, plan.moved]).toEqual([[], [], [{ from: settings, to: moved }]]);
  await undoConnection(state, entry, plan);
  expect(readFileSync(moved, "utf8")).toBe('{\n  "a": 1\n}\n');
  expect(readFileSync(others, "utf8")).toContain("mine.test");
});

test.each<[string, string | Uint8Array, number, string]>([
  ["read-only", "{}", 0o444, "is read-only"],
  ["huge", new Uint8Array(maxFileBytes + 1).fill(32), 0o600, "larger than 5 MB"],
  ["no text", new Uint8Array([0x7b, 0xff, 0x7d]), 0o600, "is not UTF-8"],
  ["broken", '{\n  "a": 1,,\n}', 0o600, "line 2, column 10"],
  ["a list", "[]", 0o600, "not a map of keys"],
  ["another shape", '{"env": "none"}', 0o600, "`env` is not a map of keys"],
  ["too deep", `${"[".repeat(20_000)}`, 0o600, "settings.json"],
])("%s: refused in words, and nothing is touched", async (_name, data, mode, words) => {
  put(data, mode);
  const failure = await connectIt().then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(ClientFileProblem);
  expect(String(failure)).toContain(words);
  expect(new Uint8Array(readFileSync(settings))).toEqual(new Uint8Array(Buffer.from(data)));
  expect(existsSync(`${settings}.clawgate-backup`)).toBe(false);
  expect(await readJournal(state)).toEqual([]);
});

test("files and folders that connecting made are gone afterwards; with the user's own content they stay", async () => {
  await connectIt();
  expect(statSync(settings).mode & 0o077).toBe(0);
  await disconnectIt();
  expect(existsSync(join(home, ".claude"))).toBe(false);
  await connectIt();
  writeFileSync(settings, readFileSync(settings, "utf8").replace("{", '{\n  "mine": true,'));
  writeFileSync(join(home, ".claude", "other"), "");
  await disconnectIt();
  expect(JSON.parse(readFileSync(settings, "utf8"))).toEqual({ mine: true });
});

test("connecting twice, then taking it back once: as before the first time", async () => {
  const before = '{ "env": {"ANTHROPIC_BASE_URL": "https://old.test"} } // mine';
  put(before);
  await connectIt();
  const once = readFileSync(settings, "utf8");
  await connectIt();
  expect(readFileSync(settings, "utf8")).toBe(once);
  expect(readFileSync(`${settings}.clawgate-backup`, "utf8")).toBe(before);
  await disconnectIt();
  expect(readFileSync(settings, "utf8")).toBe(before);
});

test("the client has written its whole file anew: ours is taken out of it, and the rest is as the client wrote it", async () => {
  put('{"a":1,"env":{"Z":"1"}}');
  await connectIt();
  const value = JSON.parse(readFileSync(settings, "utf8")) as Record<string, unknown>;
  writeFileSync(settings, JSON.stringify({ ...value, model: "opus" }, null, 2));
  const { left } = await disconnectIt();
  expect(left).toEqual([]);
  expect(readFileSync(settings, "utf8")).toBe(
    '{\n  "a": 1,\n  "env": {\n    "Z": "1"\n  },\n  "model": "opus"\n}',
  );
});

test("broken by the user since: said with its place, and left; the state tells it too", async () => {
  put("{}");
  await connectIt();
  const broken = `${readFileSync(settings, "utf8")}}}`;
  writeFileSync(settings, broken);
  await expect(disconnectIt()).rejects.toThrow(/settings\.json: it is not JSON at line \d+, column \d+/);
  expect(readFileSync(settings, "utf8")).toBe(broken);
  const [entry] = await readJournal(state);
  if (entry === undefined) throw new Error("the journal lost it");
  expect((await stateOf(entry, own())).state).toBe("changed");
  rmSync(settings);
  expect((await stateOf(entry, own())).changes).toEqual([`${settings} is gone`]);
  expect((await disconnectIt()).gone).toEqual([settings]);
  expect(await readJournal(state)).toEqual([]);
});

test("changed between the question and the answer: nothing is written, in the second of two files neither", async () => {
  put("{}");
  const other = join(home, "other.json");
  writeFileSync(other, '{"a":1}');
  const edits = [{ path: ["b"], value: 2 }];
  const twoFiles = {
    ...claudeCode,
    files: () => [settings, other].map((path) => ({ path, format: "json" as const, edits })),
  };
  const now = "2026-12-01T00:00:00.000Z";
  const input = {
    client: twoFiles,
    around: around(),
    scope: "user" as const,
    gateway,
    made: null,
    old: null,
    version: null,
    now,
  };
  const plan = await planConnection(input);
  writeFileSync(other, '{"a":2}');
  await expect(writeConnection(state, plan, { old: null, key })).rejects.toThrow(
    "changed while this was running",
  );
  expect(readFileSync(settings, "utf8")).toBe("{}");
  expect(existsSync(`${settings}.clawgate-backup`)).toBe(false);
  expect(readFileSync(other, "utf8")).toBe('{"a":2}');
  expect(await readJournal(state)).toEqual([]);
});

test("the journal is the user's alone", async () => {
  await connectIt();
  expect(statSync(join(state, "connections.json")).mode & 0o777).toBe(0o600);
});
