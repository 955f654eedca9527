// A secret at every place where the config and its surroundings hold one; then everything goes wrong, and everything that can
// be read is read: answers, logs, pages, records, files. None of the secrets may stand anywhere but where it was put.

import { beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, runBinary, type RunningBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { startUpstream } from "./support/upstream.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

const canaries: string[] = [];
/** Long, and of a shape that no pattern knows: only who knows it can mask it. */
function canary(place: string): string {
  const value = `${place}-Zq7${Bun.hash(place).toString(36)}xW-canary`;
  canaries.push(value);
  return value;
}

test("no secret leaves its place, whatever goes wrong", async () => {
  const vendor = startUpstream();
  const elsewhere = startUpstream();
  cleanups.push(
    () => vendor.stop(),
    () => elsewhere.stop(),
  );
  const clientKey = canary("client");
  const tenantKey = canary("tenant");
  const adminKey = canary("admin");
  const spare = [canary("second"), canary("third")];
  const provider = (more: object = {}): object => ({
    backend: "openai-compat",
    base_url: vendor.url,
    api_key: canary(`key${canaries.length}`),
    models: ["fake-large"],
    headers: { "x-own": canary(`header${canaries.length}`) },
    ...more,
  });
  const config = {
    server: { log_level: "debug" },
    auth: { keys: [clientKey], admin_key: adminKey },
    tenants: [{ name: "alice", api_key: tenantKey }],
    providers: {
      one: provider(),
      several: provider({ api_key: undefined, api_keys: spare }),
      other: provider({ backend: "anthropic" }),
      google: provider({ backend: "google-genai" }),
      away: provider({ base_url: "http://127.0.0.1:9/v1" }),
      varied: provider({ api_key: "${CANARY_KEY}" }),
    },
    fallback_chain: ["one", "several", "other", "away"],
  };
  const fromEnvironment = canary("environment");
  const dir = cleanups.folder("clawgate-canaries-");
  const gateway = cleanups.stopAtEnd(
    await startBinary({ config, dir, env: { CANARY_KEY: fromEnvironment } }),
  );

  const said: string[] = [];
  const hear = async (path: string, init: RequestInit = {}): Promise<void> => {
    const answer = await fetch(gateway.url + path, { redirect: "manual", ...init });
    said.push(`${path} ${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`);
  };
  const json = { "content-type": "application/json" };
  const as = (key: string): Record<string, string> => ({ ...json, authorization: `Bearer ${key}` });

  // A vendor that says back what it was sent: its key, our headers, in every kind of answer.
  for (const status of [200, 400, 401, 403, 404, 429, 500, 503, 302]) {
    vendor.script((request) => ({
      status,
      headers: {
        "content-type": "application/json",
        location: `${elsewhere.url}/v1/${request.headers["x-own"]}`,
      },
      body: JSON.stringify({
        error: { message: `no: ${JSON.stringify(request.headers)} ${request.query}`, type: "x", code: "y" },
      }),
    }));
    for (const model of Object.keys(config.providers))
      for (const [path, more] of [
        ["/v1/chat/completions", {}],
        ["/v1/messages", { max_tokens: 5 }],
        ["/v1/chat/completions", { stream: true }],
      ] as const) {
        const body = { model, messages: [{ role: "user", content: "hi" }], ...more };
        const headers = { ...as(status === 400 ? tenantKey : clientKey), "x-clawgate-fallback": "off" };
        await hear(path, { method: "POST", headers, body: JSON.stringify(body) });
      }
  }
  expect(vendor.requests.length).toBeGreaterThan(100);
  expect(elsewhere.count()).toBe(0);
  for (const path of [
    "/api/stats",
    "/api/recent?limit=500",
    "/api/config",
    "/api/live",
    "/api/logs?limit=2000",
    "/api/providers",
    "/api/tenants",
    "/api/audit?limit=500",
    "/api/session",
    "/health",
    "/",
    "/swagger",
    "/swagger/json",
    "/nothing",
    "/v1/models",
  ])
    for (const key of [adminKey, clientKey, "wrong-key"]) await hear(path, { headers: as(key) });
  for (const id of Object.keys(config.providers))
    await hear(`/api/providers/${id}/test`, { method: "POST", headers: as(adminKey) });
  await hear("/api/reload", { method: "POST", headers: as(adminKey) });
  // A text that holds every secret, valid and broken; keys that do not fit; a file that is another by now.
  const whole = readFileSync(gateway.configPath, "utf8");
  for (const text of [whole, `${whole}x`, whole.replace('"debug"', '"none"'), `# ${clientKey}\n${whole}`]) {
    const body = JSON.stringify({ text });
    await hear("/api/config/check", { method: "POST", headers: as(adminKey), body });
    await hear("/api/config", { method: "PUT", headers: { ...as(adminKey), "if-match": '"old"' }, body });
  }
  for (const body of [
    { key: clientKey },
    { code: tenantKey },
    { key: tenantKey, code: "x" },
    { [adminKey]: 1 },
  ])
    await hear("/api/session", { method: "POST", headers: json, body: JSON.stringify(body) });
  await hear("/api/tenants/nobody/keys", {
    method: "POST",
    headers: as(adminKey),
    body: `{"expires_at":"${tenantKey}"}`,
  });
  await hear("/api/route", {
    method: "POST",
    headers: as(adminKey),
    body: JSON.stringify({ model: "one", messages: [] }),
  });
  await hear("/v1/chat/completions", {
    method: "POST",
    headers: as(clientKey),
    body: `{"model":"${"x".repeat(50)}"`,
  });

  for (const args of [
    ["doctor", "--json"],
    ["providers", "list"],
    ["route", "--json", "hello"],
  ]) {
    const { stdout, stderr } = await runBinary([...args, "--config", gateway.configPath], gateway.work);
    said.push(`${args.join(" ")}: ${stdout}${stderr}`);
  }
  await gateway.stop();
  said.push(gateway.output());
  expect(said.length).toBeGreaterThan(150);
  expect(canaries.length).toBeGreaterThan(12);
  for (const each of canaries)
    for (const text of said) if (text.includes(each)) throw new Error(`${each} is in: ${around(text, each)}`);
  expect(filesWith(gateway)).toEqual([gateway.configPath]);
}, 120_000);

const around = (text: string, word: string): string =>
  text.slice(Math.max(0, text.indexOf(word) - 300), text.indexOf(word) + 100);

/** Files of the program's folder that hold a canary. */
function filesWith({ dir }: RunningBinary): string[] {
  return readdirSync(dir, { recursive: true })
    .map((name) => join(dir, String(name)))
    .filter((path) => statSync(path).isFile())
    .filter((path) => {
      const text = readFileSync(path, "latin1");
      return canaries.some((each) => text.includes(each));
    });
}
