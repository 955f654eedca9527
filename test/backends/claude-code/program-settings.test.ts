// The keys of a CLI provider: what wins, what a tenant may narrow, how long it may take.

import { describe, expect, test } from "bun:test";
import { narrowTools, resolveProgramSettings } from "../../../src/backends/claude-code/program-settings.ts";
import { resolveCliProvider } from "../../../src/backends/claude-code/provider-settings.ts";
import { cliSettings } from "../../../src/backends/claude-code/settings.ts";

describe("settling", () => {
  test("without a word the defaults: no tools, one warm process, no jail", () => {
    expect(resolveProgramSettings({})).toMatchObject({
      bin: "claude",
      env: {},
      configDir: null,
      defaultModel: null,
      warm: { size: 1, max: 3, idleMs: 600_000, minFreeMb: 1024 },
      parked: { max: 8, maxPerTenant: 4, callsTtlMs: 180_000, idleTtlMs: 60_000 },
      tools: "none",
      permissionMode: null,
      jail: "off",
      showsThinking: false,
      openclaw: { mapsToolNames: false, filtersPrompt: false },
    });
  });

  test("the provider's own keys win over the section's, variables are laid together", () => {
    const program = resolveProgramSettings(
      { bin: "/own", env: { A: "own" }, tools: ["Read"], parked: { max: 2 } },
      { bin: "/section", env: { A: "section", B: "b" }, effort: "low", tools: "default", warm: { size: 5 } },
    );
    expect(program).toMatchObject({
      bin: "/own",
      env: { A: "own", B: "b" },
      tools: ["Read"],
      effort: "low",
      warm: { size: 5, max: 5 },
      parked: { max: 2, maxPerTenant: 2 },
    });
  });

  const written = { connect_s: 10, first_token_s: Infinity, idle_s: Infinity };

  test("the whole time is limited where its tools work in silence, the silence where it has none", () => {
    const section = cliSettings.parse({ timeout: 600_000 });
    expect(resolveCliProvider({ timeout: written }, section, false)).toMatchObject({
      timeout: { first_token_s: 300, idle_s: 300, total_s: 600 },
      maxConcurrent: 3,
    });
    expect(
      resolveCliProvider({ timeout: written, tools: "default" }, section, false).timeout.first_token_s,
    ).toBe(600);
    expect(resolveCliProvider({ timeout: written }, section, true).timeout.idle_s).toBe(600);
    expect(
      resolveCliProvider({ timeout: { ...written, total_s: 60 }, max_concurrent: 9 }, section, false),
    ).toMatchObject({
      timeout: { first_token_s: 60, idle_s: 60, total_s: 60 },
      maxConcurrent: 9,
    });
    const exact = resolveCliProvider({ timeout: { ...written, first_token_s: 5 } }, undefined, true).timeout;
    expect(exact).toEqual({ connect_s: 10, first_token_s: 5, idle_s: 900, total_s: 900 });
  });
});

test.each([
  ["default", undefined, "default"],
  ["default", ["Read"], ["Read"]],
  ["default", "none", "none"],
  ["default", [], "none"],
  ["none", "default", "none"],
  ["none", ["Bash"], "none"],
  [["Read", "Bash(git *)"], "default", ["Read", "Bash(git *)"]],
  [["Read", "Bash(git *)"], ["Read", "Bash"], ["Read"]],
  [["Read"], ["Bash"], "none"],
] as const)("tools %p, narrowed by %p, are %p", (tools, wish, left) => {
  expect(narrowTools(tools, wish === undefined || typeof wish === "string" ? wish : [...wish])).toEqual(
    typeof left === "string" ? left : [...left],
  );
});
