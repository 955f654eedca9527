// The compiled program takes another program's place: files imported or named, the gateway started, and its /health in that shape.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { startUpstream } from "./support/upstream.ts";

const cleanups = cleanupsAfterEach();
const buildMs = 180_000;

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = cleanups.folder("clawgate-migration-");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  return folder;
}

async function started(config: string) {
  return cleanups.stopAtEnd(await startBinary({ config }));
}

const healthOf = async (url: string): Promise<unknown> => (await fetch(`${url}/health`)).json();

test(
  "openclaw-cc-gateway, imported",
  async () => {
    const folder = folderWith({
      "old/config.yaml": `server: { host: 127.0.0.1 }\ncli: { bin: /nowhere/claude }\ntenants: [{ name: alice, api_key: ${"a1".repeat(32)} }]\n`,
      "old/skills/alice/github/SKILL.md": "# hi\n",
    });
    const out = join(folder, "new.yaml");
    const imported = await runBinary(["import", join(folder, "old"), "--out", out, "--yes"], folder);
    expect({ code: imported.code, stderr: imported.stderr }).toEqual({ code: 0, stderr: "" });
    const text = readFileSync(out, "utf8").replace("${CLAWGATE_ALICE_KEY}", "a1".repeat(32));
    const gateway = await started(text);
    expect(await healthOf(gateway.url)).toMatchObject({ provider: "claude-cli-gateway", tenants: ["alice"] });
    const own = await runBinary(["health", "--json"], gateway.work, {
      CLAWGATE_STATE_DIR: gateway.stateDir,
    });
    expect(JSON.parse(own.stdout)).toHaveProperty("providers.claude-cli");
  },
  buildMs,
);

test(
  "CLIProxyAPI's own config, by --config: its keys ask its providers, and what is refused is said",
  async () => {
    const upstream = cleanups.stopAtEnd(startUpstream({ keys: ["vendor-key"] }));
    const gateway = await started(
      `port: 8317\nhost: 127.0.0.1\nauth-dir: "~/.cli-proxy-api"\napi-keys: ["a-long-client-key-000"]\n` +
        `openai-compatibility:\n  - { name: local, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: vendor-key }], models: [{ name: fake-large, alias: big }] }\n`,
    );
    expect(await healthOf(gateway.url)).toEqual({ status: expect.stringMatching(/^(?:ok|degraded)$/) });
    await gateway.waitForOutput("auth-dir: refused");
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer a-long-client-key-000" },
      body: JSON.stringify({ model: "big", messages: [{ role: "user", content: "[[say:moved]]" }] }),
    });
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "moved" } }] });
    expect(gateway.output()).not.toContain("a-long-client-key-000");
    // The page of the operator must not show a file whose secrets nobody here knows.
    const config = (await (
      await fetch(`${gateway.url}/api/config`, { headers: { authorization: `Bearer ${gateway.token}` } })
    ).json()) as { file: { text: string | null; writable: boolean } };
    expect(config.file).toMatchObject({ text: null, writable: false });
  },
  buildMs,
);

test(
  "claude-code-proxy's variables, and --compat",
  async () => {
    const gateway = cleanups.stopAtEnd(
      await startBinary({ config: null, args: ["--demo", "--compat", "claude-proxy"] }),
    );
    expect(await healthOf(gateway.url)).toEqual({ status: "ok" });
    const folder = folderWith({
      ".env": "CLAUDE_PATH=/nowhere/claude\nPROXY_API_KEYS=secret-key-0123456789\n",
    });
    const named = cleanups.stopAtEnd(
      await startBinary({ config: null, args: ["--config", join(folder, ".env")] }),
    );
    expect(await healthOf(named.url)).toEqual({ status: "down" });
    expect((await fetch(`${named.url}/v1/models`)).status).toBe(401);
    expect(
      (await fetch(`${named.url}/v1/models`, { headers: { "x-api-key": "secret-key-0123456789" } })).status,
    ).toBe(200);
  },
  buildMs,
);
