// `clawgate manage apply`, and --apply of add, remove and rotate-key: a tenant's OpenClaw is told of the gateway, on this
// machine and in containers, by one command and back again.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, statSync, symlinkSync } from "node:fs";
import { readJson5 } from "../../../src/openclaw/json5-text.ts";
import { type FakeContainer, type FakeDocker, fakeDocker } from "../../support/docker.ts";
import { type Home, ownHome, type Ran } from "../command-run.ts";

const keyReference = { source: "env", provider: "default", id: "CLAWGATE_API_KEY" };
const key = (name: string): string => `key-of-${name}-0123456789`;
const config = `# the house's own
server: { port: 9123, host: 0.0.0.0 }
providers: { one: { backend: demo } }
tenants:
  - name: local # mine
    api_key: ${key("local")}
  - { name: alice, api_key: ${key("alice")}, container: my-claw } # boxed
  - { name: person, api_key: ${key("person")} }
`;
const byHand = "{\n  // by hand\n  agents: { defaults: { model: 'openai/x' } },\n}\n";
const inside = "inside/home/node/.openclaw";

let home: Home;
let docker: FakeDocker;
beforeEach(() => {
  home = ownHome();
  docker = fakeDocker(home.dir);
  put("config.yaml", config);
  put(".openclaw/openclaw.json", byHand);
  put(".openclaw/.env", "A=1\n");
  put(`${inside}/openclaw.json`, byHand, 0o640);
  world({});
});
afterEach(() => home.remove());

const at: Home["at"] = (path) => home.at(path);
const read: Home["read"] = (path) => home.read(path);
const put: Home["put"] = (...file) => home.put(...file);

/** A container of an image and a name that say nothing. */
function world(more: Partial<FakeContainer>, options = {}): void {
  docker.write([{ name: "my-claw", image: "claw.example/assistant:3", root: at("inside"), ...more }], {
    bridgeGateway: "172.30.0.1",
    ...options,
  });
}

const run = (...args: string[]): Promise<Ran> =>
  home.run(["manage", ...args], { environment: { PATH: `${docker.binDir}:/usr/bin:/bin` } });

const entryIn = (path: string): unknown => {
  const tree = readJson5(read(path)) as { models?: { providers?: { clawgate?: unknown } } };
  return tree.models?.providers?.clawgate;
};

test("all tenants that have an instance: here and in a container, our keys alone; a second one changes no byte", async () => {
  const { code, stdout, stderr } = await run("apply", "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    tenants: [
      { tenant: "local", container: null, url: "http://127.0.0.1:9123", ok: true },
      {
        tenant: "alice",
        container: "my-claw",
        url: "http://172.30.0.1:9123",
        ok: true,
        writes: ["my-claw:/home/node/.openclaw/openclaw.json", "my-claw:/home/node/.openclaw/.env"],
      },
    ],
    missing: ["person"],
  });
  for (const name of ["local", "alice", "person"]) expect(stdout).not.toContain(key(name));
  expect(entryIn(".openclaw/openclaw.json")).toMatchObject({ apiKey: keyReference });
  expect(read(".openclaw/.env")).toContain(`CLAWGATE_API_KEY=${key("local")}\n`);
  expect(read(".openclaw/.env")).toStartWith("A=1\nCLAWGATE_BASE_URL=http://127.0.0.1:9123/v1\n");
  expect(entryIn(`${inside}/openclaw.json`)).toMatchObject({
    baseUrl: "http://172.30.0.1:9123/v1",
    apiKey: keyReference,
  });
  expect(read(`${inside}/openclaw.json`)).toContain("// by hand");
  expect(statSync(at(`${inside}/openclaw.json`)).mode & 0o777).toBe(0o640);
  expect(statSync(at(`${inside}/.env`)).mode & 0o777).toBe(0o600);
  expect(read(`${inside}/.env`)).toContain(`CLAWGATE_API_KEY=${key("alice")}\n`);
  expect(read("config.yaml")).toBe(config);
  // Arguments only: no shell is asked for anything.
  for (const [verb, ...words] of docker.calls())
    expect([verb, words.find((word) => /^(?:sh|bash|-c)$/.test(word) && verb !== "exec")]).toEqual([
      verb,
      undefined,
    ]);
  const files = [".openclaw/openclaw.json", ".openclaw/.env", `${inside}/openclaw.json`, `${inside}/.env`];
  const texts = files.map(read);
  const times = files.map((path) => statSync(at(path)).mtimeMs);
  const again = await run("apply");
  expect(again.stdout).toBe("ok    local: nothing to change\nok    alice: nothing to change\n");
  expect(files.map(read)).toEqual(texts);
  expect(files.map((path) => statSync(at(path)).mtimeMs)).toEqual(times);

  const environment = { PATH: `${docker.binDir}:/usr/bin:/bin` };
  expect((await home.run(["setup", "--undo"], { environment })).code).toBe(0);
  expect([read(".openclaw/openclaw.json"), read(`${inside}/openclaw.json`)]).toEqual([byHand, byHand]);
  expect(existsSync(at(`${inside}/.env`))).toBe(false);
});

test("one by its name, --primary and --api; without --api the instance keeps the one it has", async () => {
  const first = await run("apply", "local", "--primary", "--api", "anthropic-messages");
  expect(first.code).toBe(0);
  expect(first.stdout).toContain("takes effect at its next start");
  expect(entryIn(".openclaw/openclaw.json")).toMatchObject({
    api: "anthropic-messages",
    baseUrl: "http://127.0.0.1:9123",
  });
  expect(readJson5(read(".openclaw/openclaw.json"))).toMatchObject({
    agents: { defaults: { model: "clawgate/auto" } },
  });
  expect(read(`${inside}/openclaw.json`)).toBe(byHand);
  expect((await run("apply", "local")).stdout).toBe("ok    local: nothing to change\n");
});

test("--dry-run shows and writes nothing", async () => {
  const { code, stdout } = await run("apply", "--dry-run");
  expect(code).toBe(0);
  expect(stdout).toContain("edits my-claw:/home/node/.openclaw/openclaw.json");
  expect(stdout).toEndWith("Nothing was written (--dry-run).\n");
  expect([read(".openclaw/openclaw.json"), read(`${inside}/openclaw.json`)]).toEqual([byHand, byHand]);
  expect(JSON.parse((await run("apply", "alice", "--dry-run", "--json")).stdout)).toMatchObject({
    dry_run: true,
    tenants: [{ tenant: "alice", verdict: "would be written" }],
  });
});

test.each([
  ["an unknown tenant", ["apply", "alcie"], {}, {}, 'Did you mean "alice"?'],
  [
    "a tenant without an instance",
    ["apply", "person"],
    {},
    {},
    "no OpenClaw instance was found by the name person",
  ],
  ["docker does not answer", ["apply", "alice"], {}, { isDown: true }, "Cannot connect to the Docker daemon"],
  ["a wrong api", ["apply", "--api", "soap"], {}, {}, "--api must be one of"],
])("%s: said, exit code not 0, nothing written", async (_name, args, container, options, words) => {
  world(container, options);
  const ran = await run(...args);
  expect(ran.code).not.toBe(0);
  expect(ran.stderr).toContain(words);
  expect([read(".openclaw/openclaw.json"), read(`${inside}/openclaw.json`)]).toEqual([byHand, byHand]);
});

test.each([
  ["stopped", { state: "exited" } as const, {}, (): void => undefined, "start it and try again"],
  ["a link", {}, {}, (): void => linked(), "is a link or not a file"],
  ["no JSON5", {}, {}, (): void => put(`${inside}/openclaw.json`, "{ nope"), "it is not JSON5 at line 1"],
  ["none", {}, {}, (): void => world({ root: at("empty") }), "there is no my-claw:/home/node/.openclaw"],
])(
  "in the container: %s. It is left out, the others are done",
  async (_name, more, options, prepare, words) => {
    world(more, options);
    prepare();
    const { code, stdout } = await run("apply");
    expect(code).toBe(1);
    expect(stdout).toContain(`FAIL  alice: left out: `);
    expect(stdout).toContain(words);
    expect(stdout).toContain("ok    local: set up");
  },
);

function linked(): void {
  put("elsewhere.json", byHand);
  const path = at(`${inside}/openclaw.json`);
  Bun.spawnSync(["rm", path]);
  symlinkSync(at("elsewhere.json"), path);
}

test.each(["sync --", "mv -f --", "cp -"])(
  "docker fails at %p: every file is as it was, and nothing is left in the container",
  async (step) => {
    world({}, { failOn: step });
    const { code, stderr } = await run("apply");
    expect(code).toBe(1);
    expect(stderr).toContain("scripted failure");
    expect(stderr).toContain("nothing was changed");
    expect([read(".openclaw/openclaw.json"), read(".openclaw/.env")]).toEqual([byHand, "A=1\n"]);
    expect(read(`${inside}/openclaw.json`)).toBe(byHand);
    expect([...new Bun.Glob("**/*.tmp").scanSync({ cwd: at("inside"), dot: true })]).toEqual([]);
  },
);

test("add --docker --apply: tenant, key and instance in one command, the key only where it is needed", async () => {
  put("config.yaml", config.replace(", container: my-claw", ""));
  const { code, stdout } = await run("add", "bob", "--docker", "my-claw", "--hash", "--apply", "--json");
  expect(code).toBe(0);
  const added = JSON.parse(stdout);
  expect(added).toMatchObject({
    ok: true,
    state: "no gateway",
    instances: [{ tenant: "bob", container: "my-claw", ok: true }],
  });
  expect(read("config.yaml")).toContain("container: my-claw");
  expect(read("config.yaml")).not.toContain(added.key);
  expect(entryIn(`${inside}/openclaw.json`)).toMatchObject({ apiKey: keyReference });
  expect(read(`${inside}/.env`)).toContain(added.key);
  const { tenants } = JSON.parse((await run("list", "--json")).stdout);
  expect(tenants.at(-1)).toMatchObject({ name: "bob", container: "my-claw" });

  const rotated = JSON.parse((await run("rotate-key", "bob", "--apply", "--json")).stdout);
  expect(rotated).toMatchObject({ ok: true, instances: [{ tenant: "bob", ok: true }] });
  expect(rotated.key).not.toBe(added.key);
  expect(read(`${inside}/.env`)).toContain(rotated.key);

  const removed = await run("remove", "bob", "--apply");
  expect(removed.code).toBe(0);
  expect(removed.stdout).toContain("ok    bob: our keys are removed; OpenClaw was not asked");
  expect(read(`${inside}/openclaw.json`)).toBe(byHand);
  expect(read(`${inside}/.env`)).toBe("");
  expect(read("config.yaml")).not.toContain("bob");
}, 20_000);

test("remove --apply gives the main model back that set-up took", async () => {
  await run("apply", "local", "--primary");
  await run("rotate-key", "local", "--apply");
  put(".openclaw/openclaw.json", read(".openclaw/openclaw.json").replace("// by hand", "// by hand, later"));
  expect((await run("remove", "local", "--apply", "--dry-run")).stdout).toContain("would be written");
  expect((await run("remove", "local", "--apply")).code).toBe(0);
  expect(readJson5(read(".openclaw/openclaw.json"))).toEqual({ agents: { defaults: { model: "openai/x" } } });
  expect(read(".openclaw/openclaw.json")).toContain("// by hand, later");
  expect(read(".openclaw/.env")).toBe("A=1\n");
});

test.each([
  [["add", "bob", "--docker", "my-clwa"], 1, 'docker has no container "my-clwa"'],
  [["add", "bob", "--docker", "--privileged"], 64, ""],
  [["add", "bob", "--docker", "$(touch x)"], 64, "the name of a container"],
  [["add", "bob", "--apply"], 1, "no OpenClaw instance was found by the name bob"],
  [["add", "bob", "--apply", "--key", `sha256:${"ab".repeat(32)}`], 64, "--apply needs a plain key"],
  [["remove", "person", "--apply"], 1, "no OpenClaw instance was found by the name person"],
])("%p: exit code %p, and nothing is written", async (args, code, words) => {
  const ran = await run(...args);
  expect({ code: ran.code, said: ran.stderr }).toEqual({ code, said: expect.stringContaining(words) });
  expect(read("config.yaml")).toBe(config);
  expect(existsSync(at("x"))).toBe(false);
});

test("what OpenClaw refuses is put back; the tenant stays and the command says so", async () => {
  const issues = [{ path: "models", message: "no" }];
  put("bin/openclaw", `#!/bin/sh\necho '${JSON.stringify({ valid: false, issues })}'\nexit 1\n`, 0o755);
  const { code, stdout } = await home.run(["manage", "apply", "local"], {
    environment: { PATH: `${at("bin")}:/usr/bin:/bin` },
  });
  expect(code).toBe(1);
  expect(stdout).toContain("FAIL  local: put back as it was; OpenClaw says: models: no");
  expect(read(".openclaw/openclaw.json")).toBe(byHand);
});

test("a container that is named where there is no docker: said", async () => {
  for (const args of [
    ["apply", "alice"],
    ["skills", "pull", "alice"],
    ["remove", "alice", "--apply"],
  ]) {
    const { code, stderr } = await home.run(["manage", ...args]);
    expect([args, code, stderr]).toEqual([
      args,
      1,
      expect.stringContaining("there is no docker program on PATH"),
    ]);
  }
  expect(read("config.yaml")).toBe(config);
});

test("a config that somebody else changes while the command works keeps what was written there", async () => {
  const line = "# written meanwhile";
  const free = config.replace(", container: my-claw", "");
  put("config.yaml", free);
  put(
    "slow/docker",
    `#!/bin/sh\necho '${line}' >> '${at("config.yaml")}'\nexec '${docker.path}' "$@"\n`,
    0o755,
  );
  const { code, stderr } = await home.run(["manage", "add", "bob", "--docker", "my-claw"], {
    environment: { PATH: `${at("slow")}:/usr/bin:/bin` },
  });
  expect(code).toBe(1);
  expect(stderr).toContain("was changed by another program in the meantime; nothing was written");
  expect(read("config.yaml")).toBe(`${free}${`${line}\n`.repeat(docker.calls().length)}`);
});

test("a tenant's OpenClaw is offered the models that the tenant may ask for, and no others", async () => {
  const modelsOf = (): readonly string[] =>
    (entryIn(".openclaw/openclaw.json") as { models: { id: string }[] }).models.map(({ id }) => id);
  const aliases = "aliases: { fast: one, quick: one, other: one/b }\n";
  put("config.yaml", config.replace("tenants:", `${aliases}tenants:`));
  await run("apply", "local");
  expect(modelsOf()).toEqual(["auto", "one", "one/demo", "fast", "quick", "other"]);
  put(
    "config.yaml",
    read("config.yaml").replace("name: local # mine", "name: local\n    models: [fast, 'one/*']"),
  );
  await run("apply", "local");
  expect(modelsOf()).toEqual(["one", "one/demo", "fast", "quick", "other"]);
  const refused = await run("apply", "local", "--primary");
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("left out: tenant local may not use auto");
});
