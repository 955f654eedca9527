// CLIProxyAPI's page at OpenClaw against the real app, made of the page's openclaw.json, with the scripted stand-in for `claude`.

import { afterAll, beforeAll, expect } from "bun:test";
import { migrate } from "../../src/migration/migration.ts";
import { type ScriptedClaude, scriptedClaude } from "../support/claude.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { atGateway, shell, tryRows } from "./trying.ts";

const models = ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5-20251001"];
const entry = (id: string, name: string): object => ({ id, name, contextWindow: 200_000, maxTokens: 16_384 });

/** As printed. */
const openclaw = {
  models: {
    mode: "merge",
    providers: {
      "claude-proxy": {
        baseUrl: "http://127.0.0.1:3456/v1",
        apiKey: "not-needed",
        api: "openai-completions",
        models: [
          entry("claude-opus-4-6", "Claude Opus 4.6"),
          entry("claude-sonnet-4-6", "Claude Sonnet 4.6"),
          entry("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
        ],
      },
    },
  },
  agents: { defaults: { model: { primary: "claude-proxy/claude-sonnet-4-6" } } },
};

const migrated = () =>
  migrate({
    files: [{ path: "/home/me/.openclaw/openclaw.json", text: JSON.stringify(openclaw, null, 2) }],
    skillsFolder: null,
  });

let claude: ScriptedClaude;
let gateway: TestGateway;

beforeAll(async () => {
  claude = scriptedClaude();
  const { draft } = migrated();
  draft.set(["cli", "warm"], 0);
  gateway = await startTestGateway({
    config: draft.text(),
    environment: { CLAUDE_BIN: claude.bin, ANTHROPIC_API_KEY: "sk-ant-dummy" },
  });
});
afterAll(async () => {
  await gateway.stop();
  claude.remove();
});

const curl = (printed: string): Promise<string> => shell(atGateway(printed, gateway.url), "/tmp");

const printedChat = `curl http://localhost:3456/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "claude-sonnet-4-6",
    "messages": [{"role": "user", "content": "Hello!"}]
  }'`;

async function modelAskedFor(model: string): Promise<unknown> {
  await curl(printedChat.replace("claude-sonnet-4-6", model));
  const { argv = [] } = claude.sessions().at(-1) ?? {};
  return argv[argv.indexOf("--model") + 1];
}

tryRows("cliproxyapi", {
  async "curl /health"() {
    expect(JSON.parse(await curl("curl http://localhost:3456/health"))).toEqual({ status: "ok" });
  },
  async "curl /v1/models"() {
    expect(JSON.parse(await curl("curl http://localhost:3456/v1/models"))).toMatchObject({ object: "list" });
  },
  async "curl /v1/chat/completions, as printed"() {
    expect(JSON.parse(await curl(printedChat))).toMatchObject({
      object: "chat.completion",
      choices: [{ finish_reason: "stop", message: { role: "assistant" } }],
    });
  },
  "openclaw.json with the provider claude-proxy, as printed"() {
    const { program, draft } = migrated();
    expect(program).toBe("cliproxyapi");
    expect(draft.value).toMatchObject({ server: { port: 3456, compat: "cliproxyapi" } });
    expect(draft.findings.filter(({ verdict }) => verdict === "left out")).toEqual([]);
  },
  async "any key is taken"() {
    const keyed = printedChat.replace("-H", '-H "Authorization: Bearer not-needed" -H');
    expect(JSON.parse(await curl(keyed))).toHaveProperty("choices");
  },
  async "claude-proxy/<model-id> in OpenClaw"() {
    // OpenClaw keeps the provider's id to itself and sends the rest.
    const [, ...id] = openclaw.agents.defaults.model.primary.split("/");
    expect(await modelAskedFor(id.join("/"))).toBe("claude-sonnet-4-6");
  },
  async "claude-opus-4-6, claude-sonnet-4-6, claude-haiku-4-5-20251001"() {
    for (const model of models) expect(await modelAskedFor(model)).toBe(model);
  },
  async streaming() {
    const events = await curl(printedChat.replace('"model"', '"stream": true, "model"'));
    expect(events).toEndWith("data: [DONE]\n\n");
    expect(events).toContain('"object":"chat.completion.chunk"');
  },
});
