// An OpenClaw whose agent sets links, FIFOs and giants in place of its files, before a command runs and while it does: nothing
// of this machine is read or written for it, the command says what is in the way, and the honest instance is set up as ever.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type FakeContainer, type FakeDocker, fakeDocker } from "../support/docker.ts";
import { type Home, ownHome, type Ran } from "./command-run.ts";

const isRoot = process.getuid?.() === 0;
const state = "/home/node/.openclaw";
const byHand = "{\n  // by hand\n  agents: { defaults: { model: 'openai/x' } },\n}\n";
const config = `server: { port: 9123, host: 0.0.0.0 }
providers: { one: { backend: demo } }
tenants:
  - { name: alice, api_key: key-of-alice-0123456789, container: my-claw }
  - { name: local, api_key: key-of-local-0123456789 }
`;

let home: Home;
let docker: FakeDocker;
beforeEach(() => {
  home = ownHome();
  docker = fakeDocker(home.dir);
  put("config.yaml", config);
  put("mount/openclaw.json", byHand);
  put("mount/.env", "A=1\n");
  put("victim/bashrc", "export SECRET=canary\n");
  put("victim/home/openclaw.json", "{ env: { vars: { CANARY: 'canary' } } }");
  put("victim/home/.env", "CANARY=canary\n");
  put("victim/home/skills/own/SKILL.md", "canary");
  mkdirSync(at("root"));
  world({});
});
afterEach(() => home.remove());

const at: Home["at"] = (path) => home.at(path);
const read: Home["read"] = (path) => home.read(path);
const put: Home["put"] = (...file) => home.put(...file);

/** A container that does not run: its files are reached on this machine or not at all. */
function world(more: Partial<FakeContainer>): void {
  docker.write([
    {
      name: "my-claw",
      state: "exited",
      root: at("root"),
      mounts: [{ source: at("mount"), destination: state }],
      ...more,
    },
  ]);
}

const run = (...args: string[]): Promise<Ran> =>
  home.run(args, { environment: { PATH: `${docker.binDir}:/usr/bin:/bin` } });

/** Everything that is there, its owners, modes and bytes. */
function snapshot(path: string): readonly string[] {
  return readdirSync(at(path), { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const whole = join(at(path), name);
      const { uid, gid, mode, ino } = lstatSync(whole);
      return [name, uid, gid, mode, ino, statSync(whole).isFile() ? readFileSync(whole, "utf8") : ""].join(
        " ",
      );
    });
}

function instead(path: string, target: string): void {
  rmSync(at(path), { recursive: true, force: true });
  symlinkSync(target, at(path));
}

describe("links that are there", () => {
  const inState = { env: { OPENCLAW_STATE_DIR: `${state}/state` } };
  test.each([
    ["the .env", {}, "mount/.env", "../victim/bashrc"],
    ["the .env, to nothing", {}, "mount/.env", "../victim/new"],
    ["openclaw.json", {}, "mount/openclaw.json", "../victim/home/openclaw.json"],
    ["the state directory", inState, "mount/state", "../victim/home"],
    ["the state directory, with its whole path", inState, "mount/state", "ABSOLUTE"],
    ["a folder above it", { env: { OPENCLAW_STATE_DIR: `${state}/up/home` } }, "mount/up", "../victim"],
  ])(
    "%s in a container's mount: refused by name, nothing read and nothing written",
    async (_name, more, path, to) => {
      world(more);
      put("mount/state/openclaw.json", byHand);
      instead(path, to === "ABSOLUTE" ? at("victim/home") : to);
      const before = snapshot("victim");
      for (const args of [
        ["manage", "apply", "alice"],
        ["manage", "rotate-key", "alice", "--apply"],
        ["manage", "remove", "alice", "--apply"],
        ["setup", "--yes"],
        ["setup", "--dry-run"],
      ]) {
        const { code, stdout, stderr } = await run(...args);
        expect([args, code]).toEqual([args, 1]);
        expect(stdout + stderr).toContain(
          `${at(path)} is a link, and links are not followed here: replace it with a `,
        );
        expect(stdout + stderr).not.toContain("canary");
      }
      expect(snapshot("victim")).toEqual(before);
      expect(read("config.yaml")).toBe(config);
    },
  );

  test.each([[".env"], ["openclaw.json"]])("%s of an instance of this machine: the same", async (name) => {
    put(".openclaw/openclaw.json", byHand);
    put(".openclaw/.env", "A=1\n");
    instead(`.openclaw/${name}`, `../victim/home/${name}`);
    const before = snapshot("victim");
    const { code, stdout } = await run("manage", "apply", "local");
    expect(code).toBe(1);
    expect(stdout).toContain(`${at(`.openclaw/${name}`)} is a link, and links are not followed here`);
    expect(snapshot("victim")).toEqual(before);
  });

  test("the folder of an instance of this machine may be its user's own link, unless a container can set it", async () => {
    put("dotfiles/openclaw/openclaw.json", byHand);
    symlinkSync("dotfiles/openclaw", at(".openclaw"));
    expect(await run("manage", "apply", "local")).toMatchObject({ code: 0, stderr: "" });
    expect(read("dotfiles/openclaw/.env")).toContain("CLAWGATE_API_KEY=key-of-local");
    expect(lstatSync(at(".openclaw")).isSymbolicLink()).toBe(true);
    instead(".openclaw", "victim/home");
    const before = snapshot("victim");
    world({ mounts: [{ source: home.dir, destination: "/work" }] });
    const { code, stdout } = await run("manage", "apply", "local");
    expect(code).toBe(1);
    expect(stdout).toContain(`${at(".openclaw")} is a link, and links are not followed here`);
    expect(snapshot("victim")).toEqual(before);
  });

  test("dots in a container's variables do not lead out of the mount", async () => {
    const before = snapshot("victim");
    const paths: readonly Readonly<Record<string, string>>[] = [
      { OPENCLAW_STATE_DIR: `${state}/../victim/home` },
      { OPENCLAW_STATE_DIR: `${state}/x/../../victim/home` },
      { OPENCLAW_CONFIG_PATH: `${state}/../victim/home/openclaw.json` },
    ];
    for (const env of paths) {
      world({ env });
      const { code, stdout } = await run("manage", "apply", "alice");
      expect(code).toBe(1);
      expect(stdout).toContain("visible only inside the container");
    }
    world({ env: { OPENCLAW_STATE_DIR: `${state}\n/x` } });
    expect((await run("manage", "apply", "alice")).stdout).toContain("OPENCLAW_HOME is not a path");
    expect(snapshot("victim")).toEqual(before);
    expect([read("mount/openclaw.json"), read("mount/.env")]).toEqual([byHand, "A=1\n"]);
  });

  test("a first set-up in which nobody is left says why, and nothing of a config that was not written", async () => {
    rmSync(at("config.yaml"));
    instead("mount/.env", "../victim/bashrc");
    const args = ["setup", "--yes", "--no-skills", "--host", "172.17.0.1", "--config", at("config.yaml")];
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stdout).toContain("mount/.env is a link");
    expect(`${stdout}${stderr}`).not.toContain("problem");
    expect(existsSync(at("config.yaml"))).toBe(false);
  });

  test("a link that is set before an undo: said, and nothing behind it is touched", async () => {
    expect((await run("manage", "apply", "alice")).code).toBe(0);
    const written = read("mount/.env");
    put("victim/bashrc", written);
    instead("mount/.env", "../victim/bashrc");
    const before = snapshot("victim");
    const { code, stderr } = await run("setup", "--undo");
    expect(code).toBe(1);
    expect(stderr).toContain(`${at("mount/.env")} is a link, and links are not followed here`);
    expect(snapshot("victim")).toEqual(before);
    rmSync(at("mount/.env"));
    put("mount/.env", written);
    expect((await run("setup", "--undo")).code).toBe(0);
    expect([read("mount/openclaw.json"), read("mount/.env")]).toEqual([byHand, "A=1\n"]);
  });
});

describe("what else an agent can put there", () => {
  test.each([
    ["a FIFO", (path: string): unknown => Bun.spawnSync(["mkfifo", path]), "is not a regular file"],
    ["a folder", (path: string): unknown => mkdirSync(path), "is not a regular file"],
    ["a device", (path: string): unknown => symlinkSync("/dev/zero", path), "is a link"],
    [
      "a terabyte of nothing",
      (path: string): void => void (writeFileSync(path, ""), truncateSync(path, 2 ** 40)),
      "is larger than 1 MB",
    ],
  ])(
    "%s: refused by name, and at once",
    async (_name, make, words) => {
      for (const name of [".env", "openclaw.json"]) {
        rmSync(at("mount"), { recursive: true });
        put("mount/openclaw.json", byHand);
        rmSync(at(`mount/${name}`), { force: true });
        make(at(`mount/${name}`));
        for (const args of [
          ["manage", "apply", "alice"],
          ["setup", "--dry-run"],
        ]) {
          const { code, stdout } = await run(...args);
          expect(code).toBe(1);
          expect(stdout).toContain(`${at(`mount/${name}`)} ${words}`);
        }
      }
    },
    20_000,
  );

  test("JSON5 that is nested without end: said, and the other instances are set up", async () => {
    put("mount/openclaw.json", `{ a: ${"[".repeat(100_000)}${"]".repeat(100_000)} }`);
    put(".openclaw/openclaw.json", byHand);
    const { code, stdout } = await run("manage", "apply");
    expect(code).toBe(1);
    expect(stdout).toContain("it is not JSON5");
    expect(stdout).toContain("ok    local: set up");
  });

  test("a FIFO in place of the lock and of a unit of an instance of this machine", async () => {
    put(".openclaw/openclaw.json", byHand);
    mkdirSync(at(".openclaw/tmp/openclaw-1000"), { recursive: true });
    mkdirSync(at("units"));
    for (const path of [".openclaw/tmp/openclaw-1000/gateway.state.lock", "units/openclaw-gateway.service"])
      expect(Bun.spawnSync(["mkfifo", at(path)]).exitCode).toBe(0);
    expect((await run("setup", "--dry-run")).stdout).toContain(`edits ${at(".openclaw/openclaw.json")}`);
  });

  test("a mount that its container may only read is read and not written", async () => {
    const mounts = [{ source: at("mount"), destination: state, isReadOnly: true }];
    world({ mounts });
    const { code, stdout } = await run("manage", "apply", "alice");
    expect(code).toBe(1);
    expect(stdout).toContain("a mount that is read-only for its container");
    expect([read("mount/openclaw.json"), read("mount/.env")]).toEqual([byHand, "A=1\n"]);
  });
});

describe("while a command runs", () => {
  type Racer = {
    readonly path: string;
    readonly to: string;
    readonly kind: "file" | "folder";
    readonly text?: string;
  };

  /** Runs the work again and again for a while, with somebody who swaps the path for a link and back. */
  async function raced({ path, to, kind, text = "A=1\n" }: Racer, work: () => Promise<void>): Promise<void> {
    const before = snapshot("victim");
    const script = join(import.meta.dir, "..", "support", "link-racer.ts");
    const racer = Bun.spawn([process.execPath, script, at(path), at(to), kind, text, "20000"], {
      stdout: "pipe",
    });
    try {
      await racer.stdout.getReader().read();
      const until = Date.now() + 3_000;
      for (let runs = 0; runs < 3 || Date.now() < until; runs++) {
        await work();
        expect(snapshot("victim")).toEqual(before);
      }
    } finally {
      racer.kill();
      await racer.exited;
    }
  }

  /** Either way is well, as long as it is said. */
  async function expectSaid(...args: string[]): Promise<void> {
    const { code, stdout, stderr } = await run(...args);
    expect([0, 1]).toContain(code);
    expect(stdout + stderr).not.toContain("canary");
    if (code === 1)
      expect(stdout + stderr).toMatch(
        /link|folder|meanwhile|meantime|went away|visible only inside|no such|ENOENT|there is no|changed|no OpenClaw|refused/i,
      );
  }

  test.each([
    ["mount/.env", "victim/bashrc", "A=1\n"],
    ["mount/openclaw.json", "victim/home/openclaw.json", byHand],
  ])(
    "%s swapped for a link and back: rotate-key --apply writes nothing elsewhere",
    async (path, to, text) => {
      await raced({ path, to, kind: "file", text }, () =>
        expectSaid("manage", "rotate-key", "alice", "--apply"),
      );
      rmSync(at(path), { force: true });
      put(path, text);
      expect((await run("manage", "rotate-key", "alice", "--apply")).code).toBe(0);
      expect(read("mount/openclaw.json")).toContain("// by hand");
    },
    30_000,
  );

  test("a folder on the way swapped for a link and back: apply and undo write nothing elsewhere", async () => {
    world({ env: { OPENCLAW_STATE_DIR: `${state}/state` } });
    put("mount/state/openclaw.json", byHand);
    put("mount/state/.env", "A=1\n");
    await raced({ path: "mount/state", to: "victim/home", kind: "folder" }, async () => {
      await expectSaid("manage", "apply", "alice");
      await expectSaid("setup", "--undo");
    });
  }, 30_000);

  test.each([["skills"], ["skills/weather"], [".clawgate-skills"], [".clawgate-skills/new--weather"]])(
    "the workspace's %s swapped for a link and back: a push writes nothing elsewhere",
    async (path) => {
      put(".openclaw/openclaw.json", byHand);
      put(".openclaw/workspace/skills/other/SKILL.md", "x");
      let turn = 0;
      await raced({ path: `.openclaw/workspace/${path}`, to: "victim/home", kind: "folder" }, async () => {
        for (let file = 0; file < 20; file++) put(`state/skills/local/weather/data/${file}`, String(turn++));
        put("state/skills/local/weather/SKILL.md", "weather");
        await expectSaid("manage", "skills", "bisync", "local", "--push");
      });
    },
    30_000,
  );
});

describe.skipIf(!isRoot)("root, in a folder that somebody else owns", () => {
  function theirs(path: string): void {
    chownSync(at(path), 1234, 1235);
    if (!statSync(at(path)).isDirectory()) return;
    for (const name of readdirSync(at(path), { recursive: true, encoding: "utf8" }))
      chownSync(join(at(path), name), 1234, 1235);
  }
  const owners = (path: string): readonly string[] =>
    readdirSync(at(path), { recursive: true, encoding: "utf8" }).flatMap((name) => {
      const { uid, gid } = lstatSync(join(at(path), name));
      return uid === 1234 && gid === 1235 ? [] : [`${name} ${uid}:${gid}`];
    });

  test("everything that is written stays theirs: both files, the way back, skills and their folders", async () => {
    for (const place of ["mount", ".openclaw"]) {
      put(`${place}/openclaw.json`, byHand, 0o640);
      rmSync(at(`${place}/.env`), { force: true });
      theirs(place);
    }
    expect((await run("manage", "apply")).code).toBe(0);
    put("state/skills/local/weather/data/deep/file", "x");
    put("state/skills/local/weather/SKILL.md", "weather");
    expect((await run("manage", "skills", "push", "local")).code).toBe(0);
    expect(read(".openclaw/workspace/skills/weather/data/deep/file")).toBe("x");
    for (const place of ["mount", ".openclaw"]) {
      expect(owners(place)).toEqual([]);
      expect(read(`${place}/openclaw.json`)).toContain("// by hand");
      expect([
        statSync(at(`${place}/openclaw.json`)).mode & 0o777,
        statSync(at(`${place}/.env`)).mode & 0o777,
      ]).toEqual([0o640, 0o600]);
    }
    expect((await run("setup", "--undo")).code).toBe(0);
    for (const place of ["mount", ".openclaw"]) {
      expect([read(`${place}/openclaw.json`), existsSync(at(`${place}/.env`)), owners(place)]).toEqual([
        byHand,
        false,
        [],
      ]);
    }
  });

  test("no link out of it: the state directory, the config of the gateway, its backup", async () => {
    put("claw/.config/clawgate/other", "x");
    symlinkSync(at("victim/home"), at("claw/.openclaw"));
    put("victim/config.yaml", config);
    symlinkSync(at("victim/config.yaml"), at("claw/.config/clawgate/config.yaml"));
    theirs("claw/.config");
    chownSync(at("claw"), 1234, 1235);
    const before = snapshot("victim");
    const named = at("claw/.config/clawgate/config.yaml");
    const environment = { PATH: `${docker.binDir}:/usr/bin:/bin`, OPENCLAW_HOME: at("claw") };
    const setup = await home.run(["setup", "--yes", "--config", at("config.yaml")], { environment });
    expect(setup.stdout).toContain(`${at("claw/.openclaw")} is a link, and links are not followed here`);
    const add = await home.run(["manage", "add", "bob", "--config", named], { environment });
    expect([add.code, add.stderr]).toEqual([1, expect.stringContaining(`${named} cannot be written`)]);
    expect(add.stderr).toContain("belongs to user 1234");
    expect(snapshot("victim")).toEqual(before);
  });

  test("their process, their unit and their config name no folder that is not theirs", async () => {
    put(
      "theirs/openclaw.json",
      "{ agents: { defaults: { workspace: 'WORK' } } }".replace("WORK", at("victim/home")),
    );
    for (const [pid, place] of [
      ["41", "victim/home"],
      ["42", "theirs"],
    ] as const) {
      put(`proc/${pid}/cmdline`, "openclaw-gateway\0");
      put(`proc/${pid}/environ`, `OPENCLAW_STATE_DIR=${at(place)}\0`);
      put(`proc/${pid}/status`, "Name:\tnode\nUid:\t1234\t1234\t1234\t1234\n");
      symlinkSync("/", at(`proc/${pid}/root`));
    }
    mkdirSync(at("proc/self"));
    symlinkSync("/", at("proc/self/root"));
    put("units/openclaw-gateway-evil.service", `Environment=OPENCLAW_STATE_DIR=${at("victim/home")}\n`);
    theirs("units");
    theirs("theirs");
    const { stdout } = await run("setup", "--dry-run");
    expect(stdout).toContain(`edits ${at("theirs/openclaw.json")}`);
    expect(stdout).not.toContain(at("victim"));
    put("config.yaml", config.replace("name: local", "name: theirs"));
    const pulled = await run("manage", "skills", "pull", "theirs");
    expect([pulled.code, pulled.stderr]).toEqual([
      1,
      expect.stringContaining("belongs to user 0, its OpenClaw to user 1234"),
    ]);
    expect(existsSync(at("state/skills/theirs/own"))).toBe(false);
  });

  test("their OpenClaw is asked for its judgement as they are, not as root", async () => {
    put(".openclaw/openclaw.json", byHand);
    theirs(".openclaw");
    put("bin/openclaw", `#!/bin/sh\nid -u > '${at("asked/uid")}'\necho '{"valid":true}'\n`, 0o755);
    mkdirSync(at("asked"));
    chmodSync(at("asked"), 0o777);
    chmodSync(home.dir, 0o755);
    const environment = { PATH: `${at("bin")}:/usr/bin:/bin` };
    const { stdout } = await home.run(["manage", "apply", "local"], { environment });
    expect(stdout).toContain("OpenClaw accepts its config");
    expect(read("asked/uid")).toBe("1234\n");
  });
});

test("the test's own folder is no link, so that names in messages are those above", () => {
  expect(realpathSync(dirname(home.dir))).toBe(dirname(home.dir));
});
