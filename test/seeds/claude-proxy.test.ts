// claude-code-proxy's page against the real app, made of its variables, with the SDKs of this repository and the scripted stand-in for
// `claude`.

import { afterAll, beforeAll, expect } from "bun:test";
import { readDotEnv } from "../../src/config/environment.ts";
import { migrate } from "../../src/migration/migration.ts";
import { type ScriptedClaude, scriptedClaude } from "../support/claude.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { atGateway, shell, snippet, tryRows } from "./trying.ts";

const printedServers = `{
"mcpServers": {
"neon": {
"command": "npx",
"args": ["-y", "@neondatabase/mcp-server-neon"],
"env": { "NEON_API_KEY": "your-key-here" }
}
}
}`;

let claude: ScriptedClaude;
let gateway: TestGateway;
const more: TestGateway[] = [];

async function proxyGateway(env: string, servers?: string): Promise<TestGateway> {
  const files = [{ path: "/old/.env", text: `CLAUDE_PATH=${claude.bin}\n${env}` }];
  if (servers !== undefined) files.push({ path: "/old/mcp-servers.json", text: servers });
  const { draft } = migrate({ files, skillsFolder: null });
  draft.set(["cli", "warm"], 0);
  const started = await startTestGateway({
    config: draft.text(),
    environment: { ANTHROPIC_API_KEY: "sk-ant-dummy" },
  });
  more.push(started);
  return started;
}

beforeAll(async () => {
  claude = scriptedClaude();
  gateway = await proxyGateway("REQUIRE_AUTH=false\n", printedServers);
});
afterAll(async () => {
  for (const each of more) await each.stop();
  claude.remove();
});

const curl = async (printed: string): Promise<Record<string, unknown>> =>
  JSON.parse(await shell(atGateway(printed, gateway.url), "/tmp")) as Record<string, unknown>;

async function ask(of: TestGateway, body: object, key = "any-string"): Promise<Response> {
  return fetch(`${of.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ messages: [{ role: "user", content: "Hello!" }], ...body }),
  });
}

const argumentOf = (name: string): string | undefined => {
  const argv = claude.sessions().at(-1)?.argv ?? [];
  const at = argv.indexOf(name);
  return at === -1 ? undefined : argv[at + 1];
};

/** The model that the last process was started with. */
async function modelFor(model: string | undefined, of = gateway): Promise<string | undefined> {
  const answer = await ask(of, model === undefined ? {} : { model });
  await answer.text();
  expect([model, answer.status]).toEqual([model, 200]);
  return argumentOf("--model");
}

const anthropicClient = `import Anthropic from "@anthropic-ai/sdk";
const client = new Anthropic({
apiKey: "any-string",
baseURL: "http://localhost:4523",
});
`;
const openaiClient = `import OpenAI from "openai";
const client = new OpenAI({
apiKey: "any-string",
baseURL: "http://localhost:4523/v1",
});
`;

/** The servers that the last process was told of. */
async function serversAfter(printed: string): Promise<string> {
  await curl(printed);
  const run = claude.sessions().at(-1);
  return JSON.stringify([run?.argv, run?.lines]);
}

const printedMetadata = `curl -X POST http://localhost:4523/v1/messages \\
-H "Content-Type: application/json" \\
-d '{"model":"sonnet","max_tokens":1024,"metadata":{"mcp_servers":["neon"]},"messages":[{"role":"user","content":"List my database tables"}]}'`;
const printedHeader = `curl -X POST http://localhost:4523/v1/chat/completions \\
-H "Content-Type: application/json" \\
-H "x-mcp-servers: neon" \\
-d '{"model":"sonnet","messages":[{"role":"user","content":"List my database tables"}]}'`;

tryRows("claude-proxy", {
  async "OpenClaw: input_text blocks"() {
    const content = [{ type: "input_text", text: "Hello!" }];
    const answer = await ask(gateway, { model: "sonnet", messages: [{ role: "user", content }] });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toHaveProperty("choices");
  },
  async "temperature and top_p are accepted"() {
    const answer = await ask(gateway, { model: "sonnet", temperature: 0.2, top_p: 0.9 });
    expect(answer.status).toBe(200);
    await answer.text();
  },
  async "REQUIRE_AUTH=false claude-proxy"() {
    expect((await ask(gateway, { model: "claude-sonnet-4" })).status).toBe(200);
  },
  async "PROXY_API_KEYS=my-secret-key claude-proxy"() {
    const keyed = await proxyGateway("PROXY_API_KEYS=my-secret-key\n");
    expect((await ask(keyed, { model: "sonnet" })).status).toBe(401);
    expect((await ask(keyed, { model: "sonnet" }, "my-secret-key")).status).toBe(200);
  },
  async "Anthropic's SDK for TypeScript, as printed"() {
    const printed = `${anthropicClient}const message = await client.messages.create({
model: "claude-sonnet-4",
max_tokens: 1024,
messages: [{ role: "user", content: "Hello!" }],
});`;
    const out = await snippet(`${atGateway(printed, gateway.url)}\nconsole.log(message.type, message.role);`);
    expect(out).toBe("message assistant\n");
  },
  async "OpenAI's SDK for TypeScript, as printed"() {
    const printed = `${openaiClient}const completion = await client.chat.completions.create({
model: "claude-sonnet-4",
messages: [{ role: "user", content: "Hello!" }],
});`;
    const out = await snippet(
      `${atGateway(printed, gateway.url)}\nconsole.log(completion.choices[0].finish_reason);`,
    );
    expect(out).toBe("stop\n");
  },
  async "model names, their aliases and prefixes"() {
    for (const name of [
      "claude-sonnet-4-6",
      "claude-opus-4-6",
      "claude-haiku-4-5",
      "sonnet",
      "opus",
      "haiku",
    ])
      for (const prefix of ["", "claude-code-cli/", "openai/"])
        expect([prefix, name, (await ask(gateway, { model: prefix + name })).status]).toEqual([
          prefix,
          name,
          200,
        ]);
  },
  async "unknown models go to DEFAULT_MODEL"() {
    expect(await modelFor("a-model-that-is-none")).toContain("sonnet");
    const other = await proxyGateway("DEFAULT_MODEL=opus\n");
    expect(await modelFor("a-model-that-is-none", other)).toContain("opus");
  },
  async "Anthropic's streaming helper, as printed"() {
    const printed = `${anthropicClient}const stream = client.messages.stream({
model: "claude-sonnet-4",
max_tokens: 1024,
messages: [{ role: "user", content: "Write a haiku" }],
});
for await (const event of stream) {
console.log(event.type);
}`;
    const types = (await snippet(atGateway(printed, gateway.url))).trim().split("\n");
    expect([types[0], types.at(-1)]).toEqual(["message_start", "message_stop"]);
  },
  async "OpenAI's streaming, as printed"() {
    const printed = `${openaiClient}const stream = await client.chat.completions.create({
model: "claude-sonnet-4",
messages: [{ role: "user", content: "[[say:five syllables here]]" }],
stream: true,
});
for await (const chunk of stream) {
process.stdout.write(chunk.choices[0]?.delta?.content || "");
}`;
    expect(await snippet(atGateway(printed, gateway.url))).toBe("five syllables here");
  },
  async "claude-opus-4, opus, claude-sonnet-4, sonnet, claude-haiku-4, haiku"() {
    for (const family of ["opus", "sonnet", "haiku"])
      for (const name of [`claude-${family}-4`, family])
        expect([name, await modelFor(name)]).toEqual([name, expect.stringContaining(family)]);
  },
  async "ENABLE_THINKING and effort levels"() {
    const thinking = await proxyGateway("ENABLE_THINKING=true\nDEFAULT_EFFORT=medium\n");
    const answer = await ask(thinking, {
      model: "opus",
      messages: [{ role: "user", content: "[[think:hm]] [[say:x]]" }],
    });
    expect(JSON.stringify(await answer.json())).toContain("hm");
    expect(JSON.stringify(claude.sessions().at(-1)?.argv)).toContain("medium");
  },
  "HOST, CLAUDE_PATH, DEFAULT_MODEL, DEFAULT_EFFORT, REQUEST_TIMEOUT_MS, LOG_LEVEL"() {
    const text =
      "HOST=127.0.0.1\nCLAUDE_PATH=/opt/claude\nDEFAULT_MODEL=haiku\nDEFAULT_EFFORT=low\nREQUEST_TIMEOUT_MS=300000\nLOG_LEVEL=warn\n";
    const { draft } = migrate({ files: [{ path: "/old/.env", text }], skillsFolder: null });
    expect(
      Object.keys(readDotEnv(text)).every((name) => draft.findings.some(({ what }) => what === name)),
    ).toBe(true);
    expect(draft.value).toMatchObject({
      server: { host: "127.0.0.1", request_timeout_s: 300, log_level: "warn", compat: "claude-proxy" },
      cli: { bin: "/opt/claude", default_model: "haiku", effort: "low" },
    });
  },
  "PROXY_MCP_CONFIG and mcp-servers.json, as printed"() {
    const files = [
      { path: "/old/.env", text: "PROXY_MCP_CONFIG=./mcp-servers.json\n" },
      { path: "/old/mcp-servers.json", text: printedServers },
    ];
    const { mcp_servers: servers } = migrate({ files, skillsFolder: null }).draft.value;
    expect(servers).toEqual((JSON.parse(printedServers) as { mcpServers: unknown }).mcpServers);
  },
  async "curl with metadata.mcp_servers, as printed"() {
    expect(await serversAfter(printedMetadata)).toContain("neon");
  },
  async "curl with x-mcp-servers, as printed"() {
    expect(await serversAfter(printedHeader)).toContain("neon");
  },
  async "without a name no server of the registry starts"() {
    expect(await serversAfter(printedHeader.replace(/-H "x-mcp-servers: neon" \\\n/, ""))).not.toContain(
      "neon",
    );
  },
  async "GET /v1/models"() {
    expect(await curl("curl -s http://localhost:4523/v1/models")).toMatchObject({ object: "list" });
  },
  async "GET /health"() {
    expect(await curl("curl -s http://localhost:4523/health")).toEqual({ status: "ok" });
  },
});
