// What the program says of itself at its start, for a person who sees it for the first time.

import { expect, test } from "bun:test";
import { Writable } from "node:stream";
import type { Summary } from "../../src/app/gateway.ts";
import { banner } from "../../src/commands/banner.ts";

const summary: Summary = {
  url: "http://127.0.0.1:8090",
  configPath: "/etc/clawgate/config.yaml",
  found: [],
  providers: [{ id: "one", model: "m" }],
  skipped: [],
  sources: [],
  distrusted: [],
  needsKey: false,
  first: "one",
};

function shown(changes: Partial<Summary>): string {
  const stdout = Object.assign(new Writable(), { isTTY: false }) as NodeJS.WriteStream;
  return banner({ ...summary, ...changes }, { stdout, environment: {} });
}

test("the address for every kind of client, and a request to try", () => {
  const text = shown({});
  expect(text).toContain("OpenAI     http://127.0.0.1:8090/v1\n");
  expect(text).toContain("Anthropic  http://127.0.0.1:8090\n");
  expect(text).toContain("Gemini     http://127.0.0.1:8090\n");
  expect(text).toContain("curl http://127.0.0.1:8090/v1/chat/completions");
  expect(text).not.toContain("No provider");
});

test("a config without a loaded provider: no request that can only fail, but what to do", () => {
  const text = shown({ providers: [], first: null, skipped: [{ id: "one", reason: "ONE_KEY is not set" }] });
  expect(text).toContain("not loaded: one, ONE_KEY is not set");
  expect(text).toContain("No provider is loaded, so no model can answer yet.");
  expect(text).not.toContain("curl");
});

test("what lies here and was not believed stands beside the config, and is not said to be missing", () => {
  const why = "/app/config.yaml is not read: /app/config.yaml belongs to user 1000";
  const text = shown({ configPath: null, distrusted: [why], providers: [{ id: "demo", model: "demo" }] });
  expect(text).toContain(`! ${why}\n`);
  expect(text).toContain("The lines above name what was ignored in this folder");
  expect(shown({ providers: [{ id: "demo", model: "demo" }] })).not.toContain("named above");
});

test("a provider that is down is said to be, and a demonstration beside others is not all there is", () => {
  const text = shown({
    providers: [
      { id: "demo", model: "demo" },
      { id: "claude-cli", model: "sonnet", isDown: true },
    ],
  });
  expect(text).toContain("Providers  demo, claude-cli (sonnet), down: see the log\n");
  expect(text).not.toContain("Only the built-in demonstration");
});
