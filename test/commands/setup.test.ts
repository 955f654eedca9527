import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { createHash } from "node:crypto";
import { readDocument } from "../../src/config/document.ts";
import { readJson5 } from "../../src/openclaw/json5-text.ts";
import { fakeDocker } from "../support/docker.ts";
import { type Home, ownHome } from "./command-run.ts";
import { startStandIn } from "./stand-in.ts";

let home: Home;
beforeEach(() => {
  home = ownHome();
});
afterEach(() => home.remove());

const keyReference = { source: "env", provider: "default", id: "CLAWGATE_API_KEY" };
const at: Home["at"] = (path) => home.at(path);
const read: Home["read"] = (path) => home.read(path);
const put: Home["put"] = (...file) => home.put(...file);

const configPath = ".config/clawgate/config.yaml";
const byHand = "{\n  // by hand\n  gateway: { mode: 'local', },\n}\n";
const existing = `# the house's own
server: {port: 9123}   # odd
providers:
  one: { backend: demo }
tenants:
  - name: local # me
    api_key: "${"k".repeat(20)}"
`;

/** An `openclaw` that says this about every config; its calls are logged. */
function openclawSays(answer: object, code: number): string {
  put("bin/answer.json", JSON.stringify(answer));
  put(
    "bin/openclaw",
    `#!/bin/sh\necho "$OPENCLAW_STATE_DIR|$OPENCLAW_CONFIG_PATH|$*" >> '${at("bin/calls.log")}'\ncat '${at("bin/answer.json")}'\nexit ${code}\n`,
    0o755,
  );
  return at("bin");
}

function tenantsIn(path = configPath): readonly { readonly name: string; readonly api_key: string }[] {
  const found = readDocument(read(path));
  if ("problem" in found) throw new Error(found.problem.message);
  return (found.document.value as { tenants: { name: string; api_key: string }[] }).tenants;
}

test("no instance: said, and nothing is written", async () => {
  const { code, stdout, stderr } = await home.run(["setup", "--yes"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toStartWith("No OpenClaw instance was found.\n");
  expect(existsSync(at(configPath))).toBe(false);
});

test("--dry-run, and nobody who could be asked: shown and not written", async () => {
  put(".openclaw/openclaw.json", byHand);
  const dry = await home.run(["setup", "--dry-run", "--yes"]);
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain(`edits ${at(".openclaw/openclaw.json")}`);
  const unsure = await home.run(["setup"]);
  expect(unsure.code).toBe(64);
  expect(unsure.stderr).toContain("pass --yes");
  expect(read(".openclaw/openclaw.json")).toBe(byHand);
  expect([configPath, ".openclaw/.env", "state/setup"].map((path) => existsSync(at(path)))).toEqual([
    false,
    false,
    false,
  ]);
});

test("a first set-up, a second that changes no byte, and the way back", async () => {
  put(".openclaw/openclaw.json", byHand, 0o640);
  put(".openclaw/.env", "A='1' # mine\n");
  put(
    ".openclaw-work/openclaw.json",
    "{ env: { MY_TOKEN: 'x', PATH: '/evil', vars: { ANTHROPIC_API_KEY: 'y' } } }",
  );
  const bin = openclawSays({ valid: true, issues: [] }, 0);
  const environment = { PATH: `${bin}:/usr/bin:/bin` };
  const { code, stdout, stderr } = await home.run(["setup", "--yes"], { environment });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("ok    local: set up; OpenClaw accepts its config\n");

  const tenants = tenantsIn();
  expect(tenants.map(({ name }) => name)).toEqual(["local", "work"]);
  expect(tenants[1]).toHaveProperty("env", { MY_TOKEN: "x" });
  const [mine] = tenants;
  expect(mine?.api_key).toMatch(/^[0-9a-f]{64}$/);
  expect(tenants[0]?.api_key).not.toBe(tenants[1]?.api_key);
  for (const { api_key } of tenants) expect(stdout).not.toContain(api_key);
  expect(statSync(at(configPath)).mode & 0o777).toBe(0o600);

  const written = read(".openclaw/openclaw.json");
  expect(written).toStartWith("{\n  // by hand\n  gateway: { mode: 'local', },\n");
  expect(statSync(at(".openclaw/openclaw.json")).mode & 0o777).toBe(0o640);
  expect(readJson5(written)).toMatchObject({
    models: { providers: { clawgate: { baseUrl: "http://127.0.0.1:8090/v1", apiKey: keyReference } } },
  });
  // The key is in .env alone.
  expect(written).not.toContain(mine?.api_key);
  expect(written).not.toContain("agents");
  expect(read(".openclaw/.env")).toBe(
    `A='1' # mine\nCLAWGATE_BASE_URL=http://127.0.0.1:8090/v1\nCLAWGATE_API_KEY=${mine?.api_key}\n`,
  );
  expect(read("bin/calls.log").split("\n")[0]).toBe(
    `${at(".openclaw")}|${at(".openclaw/openclaw.json")}|--version`,
  );
  expect(read("bin/calls.log")).toContain(
    `${at(".openclaw")}|${at(".openclaw/openclaw.json")}|config validate --json\n`,
  );

  const files = [configPath, ".openclaw/openclaw.json", ".openclaw/.env", ".openclaw-work/.env"];
  const texts = files.map(read);
  const again = await home.run(["setup", "--yes"], { environment });
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(again.stdout).toContain("nothing to change");
  expect(files.map(read)).toEqual(texts);

  expect(await home.run(["setup", "--undo"])).toMatchObject({ code: 0, stderr: "" });
  expect([read(".openclaw/openclaw.json"), read(".openclaw/.env")]).toEqual([byHand, "A='1' # mine\n"]);
  expect([configPath, ".openclaw-work/.env"].map((path) => existsSync(at(path)))).toEqual([false, false]);
  expect((await home.run(["setup", "--undo"])).stdout).toBe("There is no setup to undo.\n");
});

test("a port that only the running gateway knows is asked of it, and refused where none runs", async () => {
  const written = `server: { port: 0 }\nproviders: { one: { backend: demo } }\ntenants: [{ name: local, api_key: "${"k".repeat(20)}" }]\n`;
  put("config.yaml", written);
  put(".openclaw/openclaw.json", byHand);
  for (const args of [
    ["setup", "--yes"],
    ["setup", "--print"],
    ["manage", "apply"],
  ]) {
    const { code, stdout, stderr } = await home.run(args);
    expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: "" });
    expect(stderr).toStartWith(
      "clawgate: server.port is 0, so only a running gateway knows its port, and no",
    );
  }
  expect([read("config.yaml"), read(".openclaw/openclaw.json")]).toEqual([written, byHand]);

  const gateway = await startStandIn({ stateDir: home.stateDir, answer: () => new Response(null) });
  try {
    const { code, stdout } = await home.run(["setup", "--yes"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`server.port is 0: port ${new URL(gateway.url).port} is the running gateway's`);
    expect(readJson5(read(".openclaw/openclaw.json"))).toMatchObject({
      models: { providers: { clawgate: { baseUrl: `${gateway.url}/v1` } } },
    });
    expect((await home.run(["setup", "--print"])).stdout).toContain(`${gateway.url}/v1`);
    expect((await home.run(["manage", "apply"])).code).toBe(0);
  } finally {
    gateway.stop();
  }
});

test("a config that is there keeps its bytes and keys; its port and --primary and --api are followed", async () => {
  put("config.yaml", existing);
  put(".openclaw/openclaw.json", byHand);
  put(".openclaw-work/openclaw.json", "{}");
  const { code } = await home.run(["setup", "--yes", "--primary", "--api", "anthropic-messages"]);
  expect(code).toBe(0);
  expect(read("config.yaml")).toStartWith(existing);
  expect(tenantsIn("config.yaml").map(({ name }) => name)).toEqual(["local", "work"]);
  expect(readJson5(read(".openclaw/openclaw.json"))).toMatchObject({
    models: { providers: { clawgate: { baseUrl: "http://127.0.0.1:9123", apiKey: keyReference } } },
    agents: { defaults: { model: "clawgate/auto" } },
  });
  expect(read(".openclaw/.env")).toContain(`CLAWGATE_API_KEY=${"k".repeat(20)}\n`);
  // Changed by the person since: only ours goes.
  put("config.yaml", `${read("config.yaml")}  - name: later\n    api_key: "${"l".repeat(20)}"\n`);
  put(".openclaw/openclaw.json", read(".openclaw/openclaw.json").replace("// by hand", "// by hand, later"));
  expect((await home.run(["setup", "--undo"])).code).toBe(0);
  expect(tenantsIn("config.yaml").map(({ name }) => name)).toEqual(["local", "later"]);
  expect(readJson5(read(".openclaw/openclaw.json"))).toEqual({ gateway: { mode: "local" } });
  expect(read(".openclaw/openclaw.json")).toContain("// by hand, later");
});

test("a key of which only the hash is known: kept when the instance has it, else left out and said", async () => {
  const key = "h".repeat(30);
  const hash = createHash("sha256").update(key).digest("hex");
  put("config.yaml", existing.replace("k".repeat(20), `sha256:${hash}`));
  put(".openclaw/openclaw.json", byHand);
  const refused = await home.run(["setup", "--yes"]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("left out: only the hash of the key");
  put(".openclaw/openclaw.json", `{ models: { providers: { clawgate: { apiKey: '${key}' } } } }`);
  expect((await home.run(["setup", "--yes"])).code).toBe(0);
  expect(readJson5(read(".openclaw/openclaw.json"))).toMatchObject({
    models: { providers: { clawgate: { apiKey: keyReference, api: "openai-completions" } } },
  });
  expect(read(".openclaw/.env")).toContain(`CLAWGATE_API_KEY=${key}\n`);
  // Known from .env as well.
  expect((await home.run(["setup", "--yes"])).stdout).toContain("nothing to change");
});

test("what OpenClaw refuses is put back, and said", async () => {
  put(".openclaw/openclaw.json", byHand);
  const issues = [{ path: "models.providers", message: "Unrecognized key" }];
  const bin = openclawSays({ valid: false, issues }, 1);
  const { code, stdout } = await home.run(["setup", "--yes"], {
    environment: { PATH: `${bin}:/usr/bin:/bin` },
  });
  expect(code).toBe(1);
  expect(stdout).toContain(
    "FAIL  local: put back as it was; OpenClaw says: models.providers: Unrecognized key\n",
  );
  expect(read(".openclaw/openclaw.json")).toBe(byHand);
  expect(existsSync(at(".openclaw/.env"))).toBe(false);
});

test("broken files: the instance is left out, a broken config stops everything", async () => {
  put(".openclaw/openclaw.json", "{ gateway: ");
  put(".openclaw-work/openclaw.json", "{}");
  const { code, stdout } = await home.run(["setup", "--yes"]);
  expect(code).toBe(1);
  expect(stdout).toContain("it is not JSON5 at line 1");
  expect(read(".openclaw/openclaw.json")).toBe("{ gateway: ");
  expect(tenantsIn().map(({ name }) => name)).toEqual(["work"]);
  put(configPath, "nonsense: 7\n");
  const broken = await home.run(["setup", "--yes"]);
  expect(broken.code).toBe(78);
  expect(broken.stderr).toContain("nonsense");
  expect(read(configPath)).toBe("nonsense: 7\n");
});

test("containers: by the bridge's address, stopped ones too, those without a mount from inside", async () => {
  put("config.yaml", existing.replace("local", "dc"));
  for (const name of ["a", "b"]) put(`srv/${name}/openclaw.json`, "{}");
  const mounts = (name: string) => [{ source: at(`srv/${name}`), destination: "/home/node/.openclaw" }];
  const docker = fakeDocker(
    home.dir,
    [
      { name: "openclaw-openclaw-gateway-1", mounts: mounts("a"), root: at("roots/a") },
      { name: "other", mounts: mounts("b"), state: "exited", root: at("roots/b") },
      { name: "hidden", image: "openclaw:local", root: at("roots/c") },
      { name: "hidden-stopped", image: "openclaw:local", root: at("roots/d"), state: "exited" },
    ],
    { bridgeGateway: "172.30.0.1" },
  );
  put("roots/c/home/node/.openclaw/openclaw.json", byHand, 0o640);
  put("roots/d/home/node/.openclaw/openclaw.json", byHand);
  const environment = { PATH: `${docker.binDir}:/usr/bin:/bin` };
  const ran = await home.run(["setup", "--yes", "--json", "--no-skills"], { environment });
  expect(ran.stderr).toBe("");
  const report = JSON.parse(ran.stdout);
  expect(ran.code).toBe(1);
  expect(report.notes.join()).toContain("add --host 172.30.0.1");
  expect(report.instances).toMatchObject([
    {
      tenant: "hidden",
      left_out: null,
      writes: ["hidden:/home/node/.openclaw/openclaw.json", "hidden:/home/node/.openclaw/.env"],
    },
    { tenant: "hidden-stopped", left_out: expect.stringContaining("start it and try again") },
    { tenant: "dc", key: "kept", url: "http://172.30.0.1:9123", left_out: null },
    { tenant: "other", key: "new", running: false, left_out: null },
  ]);
  expect(readJson5(read("srv/a/openclaw.json"))).toMatchObject({
    models: { providers: { clawgate: { baseUrl: "http://172.30.0.1:9123/v1", apiKey: keyReference } } },
  });
  expect(read("srv/a/.env")).toContain(`CLAWGATE_API_KEY=${"k".repeat(20)}\n`);
  expect(tenantsIn("config.yaml")).toMatchObject([
    { name: "dc" },
    { name: "hidden", container: "hidden" },
    { name: "other", container: "other" },
  ]);
  const inside = "roots/c/home/node/.openclaw/openclaw.json";
  expect(read(inside)).toStartWith("{\n  // by hand\n");
  expect(read(inside)).toContain("http://172.30.0.1:9123/v1");
  expect(statSync(at(inside)).mode & 0o777).toBe(0o640);
  expect(read("roots/d/home/node/.openclaw/openclaw.json")).toBe(byHand);
  const calls = docker.calls().map((each) => each.slice(0, 3));
  expect(calls).toContainEqual(["exec", "openclaw-openclaw-gateway-1", "node"]);
  expect(calls.some(([verb, name]) => verb === "exec" && name === "other")).toBe(false);
  expect((await home.run(["setup", "--undo"], { environment })).code).toBe(0);
  expect([read(inside), read("srv/a/openclaw.json")]).toEqual([byHand, "{}"]);
  expect(existsSync(at("roots/c/home/node/.openclaw/.env"))).toBe(false);
});

test("--host: the gateway listens where containers reach it, by the same command; --undo takes that back too", async () => {
  put("config.yaml", existing);
  put("srv/a/openclaw.json", "{}");
  const docker = fakeDocker(
    home.dir,
    [
      {
        name: "a-openclaw-gateway-1",
        mounts: [{ source: at("srv/a"), destination: "/home/node/.openclaw" }],
        root: at("roots/a"),
      },
    ],
    { bridgeGateway: "172.30.0.1" },
  );
  put(".openclaw/openclaw.json", byHand);
  const environment = { PATH: `${docker.binDir}:/usr/bin:/bin` };
  const setup = (...args: string[]) => home.run(["setup", "--no-skills", ...args], { environment });
  expect((await setup("--dry-run", "--host", "172.30.0.1")).stdout).toContain(
    "tenants, server.host 172.30.0.1 (takes effect at the next start)",
  );
  expect(read("config.yaml")).toBe(existing);
  const ran = await setup("--yes", "--host", "172.30.0.1");
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
  expect(ran.stdout).not.toContain("containers reach this machine");
  const config = read("config.yaml");
  for (const comment of ["# the house's own", "# odd", "# me"]) expect(config).toContain(comment);
  const found = readDocument(config);
  expect("document" in found && found.document.value).toMatchObject({
    server: { port: 9123, host: "172.30.0.1" },
  });
  expect(read(".openclaw/openclaw.json")).toContain("http://172.30.0.1:9123/v1");
  expect((await setup("--undo")).code).toBe(0);
  expect(read("config.yaml")).toBe(existing);

  await setup("--yes", "--host", "172.30.0.1");
  put("config.yaml", `${read("config.yaml")}# later\n`);
  await setup("--undo");
  const left = readDocument(read("config.yaml"));
  expect("document" in left && left.document.value).toMatchObject({ server: { host: "127.0.0.1" } });
  expect(read("config.yaml")).toContain("# later");

  put("config.yaml", existing);
  const refused = await setup("--yes", "--host", "not a host");
  expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining("--host must be")]);
  expect(read("config.yaml")).toBe(existing);
});

test("skills come along, or alone, or not", async () => {
  put(".openclaw/openclaw.json", byHand);
  put(
    ".openclaw/workspace/skills/hello/SKILL.md",
    "---\nname: hello\ndescription: says hello\n---\nHello.\n",
  );
  const skill = "state/skills/local/hello/SKILL.md";
  expect((await home.run(["setup", "--yes", "--no-skills"])).code).toBe(0);
  expect(existsSync(at(skill))).toBe(false);
  const { code, stdout } = await home.run(["setup", "--skills"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "ok    local: skills: 1 pulled of 1\n" });
  expect(read(skill)).toContain("Hello.");
  expect((await home.run(["setup", "--skills", "--no-skills"])).code).toBe(64);
});

test("--print is the OpenClaw side, for merging by hand", async () => {
  put("config.yaml", existing);
  const { code, stdout } = await home.run(["setup", "--print"]);
  expect(code).toBe(0);
  expect(readJson5(stdout)).toMatchObject({
    models: {
      providers: { clawgate: { baseUrl: "http://127.0.0.1:9123/v1", apiKey: keyReference } },
    },
    agents: { defaults: { model: { primary: "clawgate/auto" } } },
  });
  expect(stdout).not.toContain("heartbeat");
  expect(stdout).not.toContain("k".repeat(20));
});
