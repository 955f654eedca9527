// `clawgate manage`: tenants and keys in a config file that keeps its comments, in force at once where a gateway runs.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { type Home, ownHome } from "../command-run.ts";
import { startStandIn } from "../stand-in.ts";

const cleanups = cleanupsAfterEach();

const aliceKey = "alice-key-0123456789abcdef";
const config = `# who answers
providers:
  one: { backend: demo } # the only one

tenants:
  # the first
  - name: alice
    api_key: ${aliceKey} # hers
`;

function home(text: string = config): Home & { readonly path: string; text(): string } {
  const own = ownHome();
  cleanups.push(own.remove);
  const path = join(own.dir, "config.yaml");
  writeFileSync(path, text, { mode: 0o600 });
  return { ...own, path, text: () => readFileSync(path, "utf8") };
}

describe("list", () => {
  test("tenants with masked keys, as a table and as JSON", async () => {
    const { run } = home();
    const { code, stdout } = await run(["manage", "list"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "tenant  key       container  working dir\nalice   ****cdef\n",
    });
    expect((await run(["manage"])).stdout).toBe(stdout);
    const { tenants } = JSON.parse((await run(["manage", "list", "--json"])).stdout);
    expect(tenants).toEqual([{ name: "alice", key: "****cdef", container: null, working_dir: null }]);
  });

  test("hashes and variables are shown for what they are", async () => {
    const hash = `sha256:${"ab".repeat(32)}`;
    const { run } = home(
      `providers: { one: { backend: demo } }\ntenants:\n  - { name: a, api_key: "${hash}" }\n  - { name: b, api_key: "\${KEY_OF_B}" }\n`,
    );
    expect((await run(["manage", "list"])).stdout).toMatch(/a +sha256:abababab…\nb +\$\{KEY_OF_B\}\n/);
  });

  test("no config file, a broken one: exit code 78", async () => {
    const own = ownHome();
    cleanups.push(own.remove);
    const none = await own.run(["manage", "list"]);
    expect(none.code).toBe(78);
    expect(none.stderr).toContain("there is no config file yet");
    expect((await own.run(["manage", "list", "--config", "nowhere.yaml"])).code).toBe(78);
    const broken = await home("tenants: {").run(["manage", "list"]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain("not YAML");
  });
});

describe("add", () => {
  test("writes a tenant with a new key, shown once; comments stay and the old file is kept", async () => {
    const { run, text, path } = home();
    const { code, stdout } = await run(["manage", "add", "bob", "--working-dir", "work"]);
    expect(code).toBe(0);
    const [, key = ""] = /shown only now\): ([0-9a-f]{64})\n/.exec(stdout) ?? [];
    expect(text()).toContain(key);
    expect(key).not.toBe("");
    for (const comment of ["# who answers", "# the only one", "# the first", "# hers"])
      expect(text()).toContain(comment);
    expect(text()).toContain("working_dir: /");
    expect(readFileSync(`${path}.bak`, "utf8")).toBe(config);
    expect(stdout).toContain("No gateway is running");
  });

  test("--hash writes no key into the file", async () => {
    const { run, text } = home();
    const { key } = JSON.parse((await run(["manage", "add", "bob", "--hash", "--json"])).stdout);
    expect(text()).not.toContain(key);
    expect(text()).toContain(`sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`);
  });

  test("--dry-run writes nothing", async () => {
    const { run, text, path } = home();
    expect((await run(["manage", "add", "bob", "--dry-run"])).stdout).toContain("Nothing was written");
    expect(text()).toBe(config);
    expect(existsSync(`${path}.bak`)).toBe(false);
  });

  test.each([
    [["alice"], 1, 'tenant "alice" already exists'],
    [["bob", "--key", "short"], 64, "--key must be a key of at least 16 characters"],
    [["bob", "--key", aliceKey], 78, "the same key is also used at"],
    [["../bob"], 78, "letters, digits"],
    [[], 64, "it needs a tenant's name"],
    [["bob", "--kee", "x"], 64, "did you mean --key?"],
  ] as const)("%p: exit code %p, and the file stays", async (args, code, words) => {
    const { run, text } = home();
    const ran = await run(["manage", "add", ...args]);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(words);
    expect(text()).toBe(config);
  });
});

test("remove takes a tenant out; an unknown one is named with the nearest", async () => {
  const { run, text } = home();
  const unknown = await run(["manage", "remove", "alcie"]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('Did you mean "alice"?');
  expect((await run(["manage", "remove", "alice", "--json"])).stdout).toContain('"tenant":"alice"');
  expect(text()).not.toContain(aliceKey);
  expect((await run(["manage", "list"])).stdout).toContain("has no tenants");
});

test("remove of a tenant whose texts are kept", async () => {
  const { run, text } = home(`${config}request_log: { enabled: true, tenants: [alice] }\n`);
  expect(await run(["manage", "remove", "alice"])).toMatchObject({ code: 0, stderr: "" });
  expect(text()).toContain("request_log: { enabled: true, tenants: [] }");
});

describe("rotate-key", () => {
  test("a plain key becomes another, a hash another hash, a variable is not touched", async () => {
    const { run, text } = home(
      `${config}  - { name: hashed, api_key: "sha256:${"ab".repeat(32)}" }\n  - { name: outside, api_key: "\${KEY_OF_OUTSIDE:-0123456789abcdefgh}" }\n`,
    );
    const { key } = JSON.parse((await run(["manage", "rotate-key", "alice", "--json"])).stdout);
    expect(text()).toContain(key);
    expect(text()).not.toContain(aliceKey);
    const hashed = JSON.parse((await run(["manage", "rotate-key", "hashed", "--json"])).stdout);
    expect(text()).not.toContain(hashed.key);
    const before = text();
    const outside = await run(["manage", "rotate-key", "outside"]);
    expect(outside.code).toBe(1);
    expect(outside.stderr).toContain("${KEY_OF_OUTSIDE:-…}");
    expect((await run(["manage", "rotate-key", "alice", "--dry-run"])).stdout).toContain("would be replaced");
    expect(text()).toBe(before);
  });

  test("in a running gateway the old key is refused and the new one taken when the command ends", async () => {
    const own = home();
    const gateway = cleanups.stopAtEnd(await startTestGateway({ config }));
    // The gateway of tests has its config in memory: what stands in the file is handed to it when it is told to read again.
    const standIn = await startStandIn({
      stateDir: own.stateDir,
      async answer({ path }) {
        gateway.write(own.text());
        const report = await gateway.app.reload("api");
        return Response.json({ path, ok: report.ok }, { status: report.ok ? 200 : 422 });
      },
    });
    cleanups.push(standIn.stop);
    const statusWith = async (key: string): Promise<number> =>
      (await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect(await statusWith(aliceKey)).toBe(200);
    const ran = await own.run(["manage", "rotate-key", "alice", "--json"]);
    expect(ran.stderr).toBe("");
    const { key, state } = JSON.parse(ran.stdout);
    expect(state).toBe("in force");
    expect(standIn.heard.map(({ path }) => path)).toEqual(["/health", "/api/reload"]);
    expect([await statusWith(aliceKey), await statusWith(key)]).toEqual([401, 200]);
  });

  test("keys that stay are named", async () => {
    const { run } = home(
      `${config}    keys: [{ key: further-key-0123456789 }, { key: expired-key-0123456789, expires: 2020-01-01 }]\n`,
    );
    expect((await run(["manage", "rotate-key", "alice"])).stdout).toContain(
      "Its 1 further key (tenants[].keys) is still accepted",
    );
  });

  test("a gateway that does not take it is heard", async () => {
    const { run, stateDir } = home();
    const standIn = await startStandIn({
      stateDir,
      answer: () => Response.json({ error: { message: "no such thing" } }, { status: 422 }),
    });
    cleanups.push(standIn.stop);
    const ran = await run(["manage", "rotate-key", "alice"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("the running gateway did not accept it: no such thing");
  });
});

test("gen-key prints a key, and its hash on demand", async () => {
  const { run } = home();
  expect((await run(["manage", "gen-key"])).stdout).toMatch(/^[0-9a-f]{64}\n$/);
  const { key, hash } = JSON.parse((await run(["manage", "gen-key", "--json"])).stdout);
  expect(hash).toBe(`sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`);
  expect((await run(["manage", "gen-key", "--hash"])).stdout).toMatch(
    /^[0-9a-f]{64}\nsha256:[0-9a-f]{64}\n$/,
  );
});
