// The operator's way on the one-file program: a code from the terminal, the cookie, an edit of the config and its undo, keys of a
// tenant, the audit of it all; and what none of it may reveal.

import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, runBinary, type RunningBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();
const adminKey = "admin-Zq7-canary-0123456789";
const vendorKey = "vendor-Zq7-canary-0123456789";
const aliceKey = "alice-Zq7-canary-0123456789";
const config = `# The gateway of the place
server: { log_level: debug }
auth:
  admin_key: ${adminKey} # in the safe
providers:
  demo: { backend: demo }
  # paid by Ada
  one: { base_url: "http://127.0.0.1:9/v1", api_key: ${vendorKey}, model: m }
tenants:
  # the owner
  - name: alice
    api_key: "${aliceKey}"
fallback_chain: [demo]   # odd   spacing
`;

async function start(text: string = config, more: Partial<Parameters<typeof startBinary>[0]> = {}) {
  const dir = more.dir ?? cleanups.folder("clawgate-sign-in-");
  return cleanups.stopAtEnd(await startBinary({ ...more, config: text, dir }));
}

/** A browser: it keeps its cookie and says from which page it asks. */
function browserOf(gateway: RunningBinary) {
  let cookie = "";
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(gateway.url + path, {
      method,
      headers: {
        cookie,
        origin: gateway.url,
        "sec-fetch-site": "same-origin",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const set = answer.headers.get("set-cookie");
    if (set !== null) cookie = set.split(";")[0] ?? "";
    const text = await answer.text();
    return {
      status: answer.status,
      text,
      body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  };
  return { ask, cookie: () => cookie };
}
async function codeOf({ dir }: RunningBinary): Promise<string> {
  const done = await runBinary(["dashboard", "--json"], dir);
  expect([done.code, done.stderr]).toEqual([0, ""]);
  return (JSON.parse(done.stdout) as { code: string }).code;
}
async function signedIn(gateway: RunningBinary) {
  const browser = browserOf(gateway);
  expect((await browser.ask("POST", "/api/session", { code: await codeOf(gateway) })).status).toBe(200);
  return browser;
}
const modelsWith = async ({ url }: RunningBinary, key: string): Promise<number> =>
  (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;

type Audit = { entries: { actor: string; action: string; subject: string; detail: string; at_ms: number }[] };

describe("clawgate dashboard", () => {
  test("prints the address and a code, and never the one in the other", async () => {
    const gateway = await start();
    const { stdout, code } = await runBinary(["dashboard"], gateway.dir);
    expect(code).toBe(0);
    expect(stdout).toContain(`${gateway.url}/dashboard\n`);
    const typed = /Code:\s+([2-9A-Z]{4}-[2-9A-Z]{4})/.exec(stdout)?.[1] ?? "";
    expect(stdout.split("\n").filter((line) => line.includes("http") && line.includes(typed))).toEqual([]);
    const browser = browserOf(gateway);
    expect((await browser.ask("POST", "/api/session", { code: typed })).status).toBe(200);
  });

  test("says what to do when no gateway runs", async () => {
    const done = await runBinary(["dashboard"], cleanups.folder("clawgate-none-"));
    expect([done.code, done.stdout]).toEqual([1, ""]);
    expect(done.stderr).toContain('Start one with "clawgate"');
  });
});

test("an edit of the config keeps what was not edited, is in force at once, and is taken back", async () => {
  const gateway = await start();
  const browser = await signedIn(gateway);
  const read = async () =>
    (await browser.ask("GET", "/api/config")).body["file"] as { text: string; etag: string };
  const { text, etag } = await read();
  for (const secret of [adminKey, vendorKey, aliceKey]) expect(text).not.toContain(secret);
  const edited = text.replace("fallback_chain:", "aliases: { place: demo }\nfallback_chain:");
  expect((await browser.ask("POST", "/api/config/check", { text: edited })).body).toMatchObject({
    ok: true,
    diff: expect.stringContaining("+aliases: { place: demo }"),
  });
  expect((await browser.ask("PUT", "/api/config", { text: edited })).status).toBe(428);
  expect((await browser.ask("PUT", "/api/config", { text: edited }, { "if-match": '"x"' })).status).toBe(412);
  expect(
    (await browser.ask("PUT", "/api/config", { text: `${edited}x` }, { "if-match": etag })).body,
  ).toMatchObject({
    ok: false,
    problems: [expect.objectContaining({ line: expect.any(Number), severity: "error" })],
    error: { code: "config_invalid" },
  });
  expect(readFileSync(gateway.configPath, "utf8")).toBe(config);
  const foreign = { "if-match": etag, origin: "http://127.0.0.1:1", "sec-fetch-site": "same-site" };
  for (const headers of [foreign, { ...foreign, origin: "null" }])
    expect((await browser.ask("PUT", "/api/config", { text: edited }, headers)).status).toBe(403);
  const saved = await browser.ask("PUT", "/api/config", { text: edited }, { "if-match": etag });
  expect([saved.status, saved.body]).toEqual([200, expect.objectContaining({ ok: true, needs_restart: [] })]);
  const written = readFileSync(gateway.configPath, "utf8");
  expect(written).toBe(config.replace("fallback_chain:", "aliases: { place: demo }\nfallback_chain:"));
  expect(statSync(gateway.configPath).mode & 0o777).toBe(0o600);
  const { values } = (await browser.ask("GET", "/api/config")).body;
  expect(values).toMatchObject({ aliases: { place: "demo" } });
  const undone = await browser.ask("POST", "/api/config/undo");
  expect([undone.status, readFileSync(gateway.configPath, "utf8")]).toEqual([200, config]);
  expect((await read()).etag).toBe(etag);
  expect((await browser.ask("GET", "/api/config")).body["values"]).toMatchObject({ aliases: {} });
}, 60_000);

test("a tenant's keys are shown once, hashed on disk, and obeyed at once", async () => {
  const gateway = await start();
  const browser = await signedIn(gateway);
  const onDisk = (): string => readFileSync(gateway.configPath, "utf8");
  const made = (await browser.ask("POST", "/api/tenants/alice/keys", {})).body as {
    key: string;
    fingerprint: string;
    expires_at: string | null;
  };
  expect(made).toEqual({
    key: expect.stringMatching(/^[0-9a-f]{64}$/),
    fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
    expires_at: null,
  });
  expect(await modelsWith(gateway, made.key)).toBe(200);
  expect(onDisk()).not.toContain(made.key);
  expect(onDisk()).toContain(`sha256:${made.fingerprint}`);
  for (const comment of [
    "# The gateway of the place",
    "# paid by Ada",
    "# the owner",
    "[demo]   # odd   spacing",
  ])
    expect(onDisk()).toContain(comment);
  const tenants = (await browser.ask("GET", "/api/tenants")).body["tenants"] as {
    keys: Record<string, unknown>[];
  }[];
  expect(tenants[0]?.keys[1]).toEqual({
    fingerprint: made.fingerprint,
    created: expect.stringMatching(/^20\d\d-/),
    expires: null,
    is_expired: false,
  });

  // The old one of a rotation is accepted as long as it is told to, or no longer.
  const rotate = `/api/tenants/alice/keys/${made.fingerprint}/rotate`;
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const rotated = await browser.ask("POST", rotate, { old_expires_at: soon });
  expect([rotated.status, rotated.body["old_expires_at"]]).toEqual([200, soon]);
  expect([
    await modelsWith(gateway, made.key),
    await modelsWith(gateway, rotated.body["key"] as string),
  ]).toEqual([200, 200]);
  expect(onDisk()).toContain(soon);
  const again = `/api/tenants/alice/keys/${String(rotated.body["fingerprint"])}/rotate`;
  const third = (await browser.ask("POST", again)).body;
  expect(await modelsWith(gateway, rotated.body["key"] as string)).toBe(401);
  expect(await modelsWith(gateway, third["key"] as string)).toBe(200);

  // api_key itself, then down to the last one.
  const own = (await browser.ask("GET", "/api/tenants")).body["tenants"] as {
    keys: { fingerprint: string }[];
  }[];
  const prints = own[0]?.keys.map(({ fingerprint }) => fingerprint) ?? [];
  const revoke = (print: string) => browser.ask("DELETE", `/api/tenants/alice/keys/${print}`);
  for (const print of prints.slice(0, -1)) expect((await revoke(print)).status).toBe(200);
  expect(await modelsWith(gateway, aliceKey)).toBe(401);
  const last = await revoke(prints.at(-1) ?? "");
  expect([last.status, (last.body["error"] as { code: string }).code]).toEqual([409, "last_key"]);
  expect(await modelsWith(gateway, third["key"] as string)).toBe(200);

  const refused = async (method: string, path: string, body?: object): Promise<number> =>
    (await browser.ask(method, path, body)).status;
  expect(await refused("POST", "/api/tenants/nobody/keys", {})).toBe(404);
  expect(await refused("POST", "/api/tenants/alice/keys/00000000/rotate", {})).toBe(404);
  expect(await refused("DELETE", "/api/tenants/alice/keys/not-a-print")).toBe(404);
  for (const body of [
    { expires_at: "yesterday" },
    { expires_at: "2020-01-01" },
    { expires_at: 1e300 },
    { more: 1 },
  ])
    expect(await refused("POST", "/api/tenants/alice/keys", body)).toBe(400);
}, 60_000);

test("the audit outlives a restart, the session does not, and nothing of it reveals a secret", async () => {
  const dir = cleanups.folder("clawgate-audit-");
  const gateway = await start(config, { dir });
  const browser = await signedIn(gateway);
  const code = await codeOf(gateway);
  await browserOf(gateway).ask("POST", "/api/session", { key: "wrong-Zq7-canary-0123456789" });
  const { key } = (await browser.ask("POST", "/api/tenants/alice/keys", {})).body;
  await browser.ask("POST", "/api/providers/demo/reset");
  writeFileSync(
    gateway.configPath,
    readFileSync(gateway.configPath, "utf8").replace("[demo]", "[demo, one]"),
  );
  await gateway.waitForOutput('"reason":"file"');
  gateway.signal("SIGHUP");
  await gateway.waitForOutput('"reason":"signal"');
  await browser.ask("POST", "/api/config/undo");
  const log = await runBinary(["logs", "-n", "2000"], dir);
  const token = gateway.token;
  await gateway.stop();

  const second = await start(readFileSync(gateway.configPath, "utf8"), { dir });
  const stale = await fetch(`${second.url}/api/audit`, { headers: { cookie: browser.cookie() } });
  expect(stale.status).toBe(401);
  const next = await signedIn(second);
  const audit = await next.ask("GET", "/api/audit?limit=500");
  const seen = (JSON.parse(audit.text) as Audit).entries.map(({ actor, action, subject }) => [
    actor,
    action,
    subject,
  ]);
  expect(seen).toEqual([
    ["one-time code", "session.sign_in", ""],
    ["run token", "session.code", ""],
    ["session", "config.undo", gateway.configPath],
    ["signal", "config.reload", gateway.configPath],
    ["file", "config.reload", gateway.configPath],
    ["session", "provider.reset", "demo"],
    ["session", "key.create", "alice"],
    ["nobody", "session.refused", ""],
    ["run token", "session.code", ""],
    ["one-time code", "session.sign_in", ""],
    ["run token", "session.code", ""],
  ]);
  const files = readdirSync(join(dir, "clawgate-state"))
    .filter((name) => name !== "run.json" && statSync(join(dir, "clawgate-state", name)).isFile())
    .map((name) => readFileSync(join(dir, "clawgate-state", name), "latin1"));
  const everything = [audit.text, gateway.output(), second.output(), log.stdout, ...files].join("\n");
  expect(everything).toContain("provider.reset");
  const canaries = [
    adminKey,
    vendorKey,
    aliceKey,
    token,
    code,
    String(key),
    browser.cookie().split("=")[1] ?? "",
    "wrong-Zq7",
  ];
  for (const secret of canaries)
    expect([secret.length > 8, everything.includes(secret)]).toEqual([true, false]);
}, 60_000);

test("without a config file, and where it cannot be written, the reason is told", async () => {
  const dir = cleanups.folder("clawgate-no-file-");
  const found = cleanups.stopAtEnd(await startBinary({ config: null, dir, args: ["--demo"] }));
  const browser = await signedIn(found);
  expect((await browser.ask("GET", "/api/config")).body["file"]).toBeNull();
  const refused = await browser.ask("POST", "/api/config/check", { text: "a: 1" });
  expect([refused.status, refused.text]).toEqual([409, expect.stringContaining("There is no config file")]);
});

test.skipIf(process.getuid?.() !== 0)(
  "a user who may not write to the folder gets the reason, and the file stays",
  async () => {
    const user = { uid: 65_534, gid: 65_534 };
    const dir = cleanups.folder("clawgate-read-only-");
    chmodSync(dir, 0o755);
    for (const name of ["work", "clawgate-state", "state", "data", "cache"]) {
      mkdirSync(join(dir, name), { mode: 0o700 });
      chownSync(join(dir, name), user.uid, user.gid);
    }
    writeFileSync(join(dir, "clawgate.yaml"), config, { mode: 0o644 });
    const gateway = await start(config, { dir, user });
    chmodSync(gateway.configPath, 0o644);
    const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
    const file = (await (await fetch(`${gateway.url}/api/config`, { headers })).json()) as {
      file: { text: string; etag: string; writable: boolean };
    };
    expect(file.file.writable).toBe(false);
    const put = await fetch(`${gateway.url}/api/config`, {
      method: "PUT",
      headers: { ...headers, "if-match": file.file.etag },
      body: JSON.stringify({ text: `${file.file.text}default_model: demo\n` }),
    });
    expect([put.status, await put.text()]).toEqual([409, expect.stringContaining("config_not_writable")]);
    expect(readFileSync(gateway.configPath, "utf8")).toBe(config);
  },
);
