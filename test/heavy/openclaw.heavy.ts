// A real OpenClaw turn through the gateway, in all of its APIs, words and tools.
// Run it by path: bun test ./test/heavy/openclaw.heavy.ts. It uses a scratch home and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientVersion } from "../../scripts/client-versions.ts";
import { openTimeoutMs, targetKinds } from "../clients/targets.ts";
import type { Target } from "../clients/targets.ts";
import { installed } from "./install.ts";
import { runProgram } from "../support/program-run.ts";
import { printSeen, requireSuccess } from "./vendor-log.ts";

const version = clientVersion("openclaw");
const nodePackage = `node-${process.platform}-${process.arch}`;
const limitMs = 150_000;

type Program = { readonly node: string; readonly script: string };

function openclawProgram(): Program {
  const packages = [`${nodePackage}@24.21.0`, `openclaw@${version}`];
  const script = join("node_modules", "openclaw", "openclaw.mjs");
  const folder = installed("openclaw", packages, script);
  return { node: join(folder, "node_modules", nodePackage, "bin", "node"), script: join(folder, script) };
}

/** The working minimal provider, once for each API. */
function openclawConfig(target: Target): object {
  const model = {
    id: target.model,
    name: "Test",
    reasoning: false,
    input: ["text", "image"],
    contextWindow: 200_000,
    maxTokens: 8192,
  };
  const compat = {
    sendSessionAffinityHeaders: true,
    sendSessionIdHeader: true,
    supportsPromptCacheKey: true,
  };
  return {
    models: {
      mode: "merge",
      providers: {
        gwchat: {
          baseUrl: `${target.url}/v1`,
          apiKey: target.key,
          api: "openai-completions",
          models: [{ ...model, compat }],
        },
        gwresp: {
          baseUrl: `${target.url}/v1`,
          apiKey: target.key,
          api: "openai-responses",
          models: [{ ...model, compat }],
        },
        gwmsg: { baseUrl: target.url, apiKey: target.key, api: "anthropic-messages", models: [model] },
      },
    },
    agents: { defaults: { model: { primary: `gwchat/${target.model}`, fallbacks: [] } } },
  };
}

// A turn takes 20 s of start-up: the direct run, which only proves this file, is left to whoever changes it, and so are
// the vendors whose formats the lighter clients cover.
const usual = ["gateway, OpenAI provider", "gateway, Anthropic provider"];
const kinds =
  process.env["CLAWGATE_CLIENTS"] === "all"
    ? targetKinds
    : targetKinds.filter(({ name }) => usual.includes(name));
const providers = ["gwchat", "gwmsg", "gwresp"];

describe.each([...kinds])("OpenClaw, $name", ({ open }) => {
  let target: Target;
  let program: Program;
  let dir: string;

  beforeAll(async () => {
    program = openclawProgram();
    target = await open();
    dir = mkdtempSync(join(tmpdir(), "openclaw-client-"));
    mkdirSync(join(dir, ".openclaw", "workspace"), { recursive: true });
    mkdirSync(join(dir, "work"));
    writeFileSync(join(dir, ".openclaw", "openclaw.json"), JSON.stringify(openclawConfig(target)));
    writeFileSync(join(dir, ".openclaw", "workspace", "note.txt"), "the heron stands still\n");
  }, openTimeoutMs + 300_000);
  afterAll(async () => {
    await target?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const turn = async (provider: string, prompt: string): Promise<string> => {
    const env = {
      PATH: `${dirname(program.node)}:${process.env["PATH"] ?? ""}`,
      HOME: dir,
      LANG: "C.UTF-8",
      NO_PROXY: "127.0.0.1,localhost",
      NO_COLOR: "1",
    };
    const session = `agent:main:${provider}-${crypto.randomUUID()}`;
    const flags = [
      "--local",
      "--agent",
      "main",
      "--session-key",
      session,
      "--model",
      `${provider}/${target.model}`,
    ];
    const command = [program.node, program.script, "agent", ...flags, "-m", prompt, "--json"];
    const before = target.upstream.requests.length;
    const done = await runProgram(command, { cwd: join(dir, "work"), env, timeoutMs: limitMs - 10_000 });
    const seen = target.upstream.requests.slice(before);
    printSeen(`openclaw ${version}, ${provider}`, done, seen);
    requireSuccess(done);
    return done.stdout;
  };

  test.each([...providers])(
    "%s: a text turn",
    async (provider) => {
      expect(await turn(provider, "[[say:good morning from the vendor]]")).toContain(
        "good morning from the vendor",
      );
      expect(target.upstream.requests.map((request) => request.breach).filter(Boolean)).toEqual([]);
    },
    limitMs,
  );

  test.each([...providers])(
    "%s: a tool turn",
    async (provider) => {
      const path = join(dir, ".openclaw", "workspace", "note.txt");
      const printed = await turn(provider, `[[tool:read {"path":${JSON.stringify(path)}}]]`);
      expect(printed).toContain("the heron stands still");
      expect(target.upstream.requests.map((request) => request.breach).filter(Boolean)).toEqual([]);
    },
    limitMs,
  );
});
