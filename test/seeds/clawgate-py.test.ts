// ClawGate (Python)'s page against the real app with its stock config, and one loopback vendor in place of its three.

import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDotEnv } from "../../src/config/environment.ts";
import { vendors } from "../../src/backends/http/vendors.ts";
import { keyVariables } from "../../src/config/environment.ts";
import { ownHome } from "../commands/command-run.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { atGateway, repository, shell, tryRows } from "./trying.ts";

const stock = readFileSync(join(repository, "test/config/fixtures/clawgate-py.yaml"), "utf8");
const allKeys = { DEEPSEEK_API_KEY: "d", GEMINI_API_KEY: "g", OPENROUTER_API_KEY: "o" };

let upstream: Upstream;
let gateway: TestGateway;
let work: string;
const more: TestGateway[] = [];

const addresses = (): Record<string, string> => ({
  DEEPSEEK_BASE_URL: `${upstream.url}/v1`,
  GEMINI_BASE_URL: `${upstream.url}/v1beta`,
  OPENROUTER_BASE_URL: `${upstream.url}/v1`,
});

async function stockGateway(variables: Readonly<Record<string, string>>): Promise<TestGateway> {
  const started = await startTestGateway({ config: stock, environment: { ...addresses(), ...variables } });
  more.push(started);
  return started;
}

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "clawgate-seed-"));
  upstream = startUpstream({ models: ["deepseek-chat", "deepseek-reasoner", "deepseek/deepseek-chat"] });
  gateway = await stockGateway(allKeys);
});
afterAll(async () => {
  for (const each of more) await each.stop();
  upstream.stop();
  rmSync(work, { recursive: true, force: true });
});

const curl = async (printed: string, at = gateway): Promise<Record<string, unknown>> =>
  JSON.parse(await shell(atGateway(printed, at.url), work)) as Record<string, unknown>;

async function modelsOf(of: TestGateway): Promise<readonly string[]> {
  const { data } = (await (await fetch(`${of.url}/v1/models`)).json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

type Asked = {
  readonly provider: string | null;
  readonly layer: string | null;
  readonly rule: string | null;
  readonly status: number;
};

async function ask(of: TestGateway, model: string, content = "hello", system = ""): Promise<Asked> {
  const messages = [
    ...(system === "" ? [] : [{ role: "system", content: system }]),
    { role: "user", content },
  ];
  const answer = await fetch(`${of.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages, max_tokens: 64 }),
  });
  await answer.text();
  const header = (name: string): string | null => answer.headers.get(`x-clawgate-${name}`);
  return {
    provider: header("provider"),
    layer: header("layer"),
    rule: header("rule"),
    status: answer.status,
  };
}

const routesTo = async (words: readonly string[], provider: string): Promise<void> => {
  for (const word of words) expect([word, (await ask(gateway, word)).provider]).toEqual([word, provider]);
};

const chat = `curl -fsS http://127.0.0.1:8090/v1/chat/completions \\
  -H 'Content-Type: application/json' \\
  -d '{
    "model": "auto",
    "messages": [
      {"role": "user", "content": "Summarize the benefits of a local LLM gateway."}
    ],
    "max_tokens": 128
  }'`;

tryRows("clawgate-py", {
  async "errors, timeouts and lost connections fall through the chain"() {
    for (const failure of [
      { status: 500, body: "{}" },
      { status: 429, body: "{}" },
    ]) {
      const own = await stockGateway(allKeys);
      upstream.script([failure]);
      expect((await ask(own, "auto", "[[say:still here]]")).status).toBe(200);
    }
    upstream.reset();
  },
  async "/health: status, consecutive failures, last error, average latency"() {
    const { status, providers } = await curl("curl -fsS http://127.0.0.1:8090/health");
    expect(status).toBeOneOf(["ok", "degraded"]);
    for (const member of ["healthy", "consecutive_failures", "avg_latency_ms", "last_error"])
      expect(providers).toHaveProperty(["deepseek-chat", member]);
  },
  async "cp .env.example .env, after `clawgate init --write-example`"() {
    const home = ownHome();
    try {
      expect((await home.run(["init", "--write-example"])).code).toBe(0);
      await shell(
        "cp .env.example .env && sed -i.old 's/^DEEPSEEK_API_KEY=.*/DEEPSEEK_API_KEY=d/' .env",
        home.dir,
      );
      const values = readDotEnv(home.read(".env"));
      expect(values["DEEPSEEK_API_KEY"]).toBe("d");
      expect(await modelsOf(await stockGateway(values))).toContain("deepseek-chat");
      expect(home.read(".env.example")).not.toContain("DEEPSEEK_API_KEY=d");
    } finally {
      home.remove();
    }
  },
  async "backends openai-compat and google-genai"() {
    const { providers } = await curl("curl -fsS http://127.0.0.1:8090/health");
    expect(stock).toMatch(/backend: google-genai/);
    expect(stock).toMatch(/backend: openai-compat/);
    expect(Object.keys(Object(providers))).toEqual(
      expect.arrayContaining(["deepseek-chat", "gemini-flash", "gemini-flash-lite"]),
    );
  },
  async "printf CLAWGATE_DB_PATH >> .env"() {
    const printed = `printf '\\nCLAWGATE_DB_PATH=%s\\n' "$HOME/.local/state/clawgate/clawgate.db" >> .env`;
    await shell(printed, work);
    const values = readDotEnv(readFileSync(join(work, ".env"), "utf8"));
    expect(values).toEqual({ CLAWGATE_DB_PATH: join(work, ".local/state/clawgate/clawgate.db") });
  },
  async "curl /health"() {
    expect(await curl("curl -fsS http://127.0.0.1:8090/health")).toHaveProperty("status");
  },
  async "curl /v1/models"() {
    const { object, data } = await curl("curl -fsS http://127.0.0.1:8090/v1/models");
    expect(object).toBe("list");
    const ids = (data as { id: string }[]).map(({ id }) => id);
    expect(ids).toContain("auto");
    expect(ids).toContain("openrouter-fallback");
  },
  async "without keys it starts, and lists auto alone"() {
    expect(await modelsOf(await stockGateway({}))).toEqual(["auto"]);
  },
  async "heuristic keywords look at the user's words, not at the system prompt"() {
    const words = "prove, beweis, 証明";
    expect((await ask(gateway, "auto", "call it", words)).provider).toBe("deepseek-chat");
    expect((await ask(gateway, "auto", words)).provider).toBe("deepseek-reasoner");
  },
  async "curl /v1/chat/completions with model auto"() {
    const { object, choices } = await curl(chat);
    expect(object).toBe("chat.completion");
    expect(choices).toHaveLength(1);
  },
  async "a provider id as the model goes to that provider"() {
    for (const id of ["deepseek-chat", "deepseek-reasoner", "gemini-flash", "openrouter-fallback"])
      expect(await ask(gateway, id)).toEqual({
        provider: id,
        layer: "direct",
        rule: "explicit-model",
        status: 200,
      });
  },
  async "X-ClawGate-Provider, -Layer and -Rule"() {
    const head = await shell(atGateway(chat.replace("-fsS", "-fsS -o /dev/null -D -"), gateway.url), work);
    for (const name of ["x-clawgate-provider", "x-clawgate-layer", "x-clawgate-rule"])
      expect(head.toLowerCase()).toContain(`\n${name}: `);
  },
  async "curl /api/stats"() {
    const stats = await curl("curl -fsS http://127.0.0.1:8090/api/stats");
    for (const part of ["totals", "providers", "routing", "hourly", "daily"])
      expect(stats).toHaveProperty(part);
    expect(stats).toHaveProperty("totals.total_requests");
  },
  async "curl '/api/recent?limit=10'"() {
    const { requests } = await curl("curl -fsS 'http://127.0.0.1:8090/api/recent?limit=10'");
    expect((requests as unknown[]).length).toBeGreaterThan(0);
    expect((requests as unknown[]).length).toBeLessThanOrEqual(10);
  },
  async "GET /dashboard"() {
    const answer = await fetch(`${gateway.url}/dashboard`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  },
  "r1, reasoner, think -> deepseek-reasoner": () =>
    routesTo(["r1", "reasoner", "think"], "deepseek-reasoner"),
  async "flash, gemini, vision -> gemini-flash"() {
    await routesToByExample(["flash", "gemini", "vision"], "gemini-flash");
  },
  async "ds, chat, default -> deepseek-chat"() {
    await routesToByExample(["ds", "chat", "default"], "deepseek-chat");
  },
  async "DEEPSEEK_API_KEY, GEMINI_API_KEY, OPENROUTER_API_KEY switch their providers on"() {
    const of = async (name: string): Promise<readonly string[]> =>
      (await modelsOf(await stockGateway({ [name]: "k" }))).filter(
        (id) => !id.includes("/") && id !== "auto",
      );
    expect(await of("DEEPSEEK_API_KEY")).toEqual(["deepseek-chat", "deepseek-reasoner"]);
    expect(await of("GEMINI_API_KEY")).toEqual(["gemini-flash-lite", "gemini-flash"]);
    expect(await of("OPENROUTER_API_KEY")).toEqual(["openrouter-fallback"]);
  },
  async "DEEPSEEK_BASE_URL, GEMINI_BASE_URL, OPENROUTER_BASE_URL"() {
    upstream.reset();
    for (const id of ["deepseek-chat", "gemini-flash", "openrouter-fallback"]) await ask(gateway, id);
    expect(upstream.requests).toHaveLength(3);
  },
  "the key variables of the catalogue"() {
    const printed =
      "OPENAI ANTHROPIC OPENCODE ZAI AI_GATEWAY KILOCODE XAI MISTRAL GROQ CEREBRAS MOONSHOT KIMI VOLCANO_ENGINE BYTEPLUS SYNTHETIC MINIMAX OLLAMA VLLM LMSTUDIO LITELLM";
    const names = [
      ...printed.split(" ").map((each) => `${each}_API_KEY`),
      "COPILOT_GITHUB_TOKEN",
      "HUGGINGFACE_HUB_TOKEN",
    ];
    expect(names.filter((name) => !keyVariables.includes(name))).toEqual([]);
    expect(vendors.length).toBeGreaterThan(10);
  },
  async "a .env with one key"() {
    const one = await stockGateway(readDotEnv("DEEPSEEK_API_KEY=your-key-here\n"));
    expect((await ask(one, "auto")).provider).toBe("deepseek-chat");
  },
  async "a .env with three keys, and the order of the fallback"() {
    const three = await stockGateway(
      readDotEnv(
        "DEEPSEEK_API_KEY=your-key-here\nGEMINI_API_KEY=your-key-here\nOPENROUTER_API_KEY=your-key-here\n",
      ),
    );
    upstream.script((request) =>
      request.path.endsWith("/chat/completions") && !request.rawBody.includes("deepseek/")
        ? { status: 500, body: "{}" }
        : undefined,
    );
    expect((await ask(three, "auto", "Summarize the benefits")).provider).toBeOneOf([
      "gemini-flash",
      "openrouter-fallback",
    ]);
    upstream.reset();
  },
  async "an empty key: said at the start, and skipped"() {
    const { skipped } = (await (
      await fetch(`${(await stockGateway({ DEEPSEEK_API_KEY: "" })).url}/health`)
    ).json()) as {
      skipped: Record<string, string>;
    };
    expect(skipped["deepseek-chat"]).toContain("DEEPSEEK_API_KEY");
  },
  async "curl /health when something is wrong: last_error names it"() {
    upstream.script([{ status: 500, body: '{"error":{"message":"boom"}}' }]);
    const own = await stockGateway(allKeys);
    await ask(own, "openrouter-fallback");
    upstream.reset();
    const { providers } = await curl("curl -fsS http://127.0.0.1:8090/health", own);
    expect(JSON.stringify((providers as Record<string, unknown>)["openrouter-fallback"])).toContain("500");
  },
});

/** The stock rules for these words are in the page's own config, which config.example.yaml repeats. */
async function routesToByExample(words: readonly string[], provider: string): Promise<void> {
  const example = await startTestGateway({
    config: readFileSync(join(repository, "config.example.yaml"), "utf8"),
    environment: { ...addresses(), ...allKeys },
  });
  more.push(example);
  for (const word of words) expect([word, (await ask(example, word)).provider]).toEqual([word, provider]);
}
