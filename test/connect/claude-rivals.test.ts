// What else a user of Claude Code may have set that would lead it elsewhere: taken out of the way where it is connected, put back byte for
// byte, told where it cannot be. test/heavy/connect-claude.heavy.ts asks the program which of them counts.

import { describe, expect, test } from "bun:test";
import { claudeCode } from "../../src/connect/claude-code.ts";
import { rivalVariables } from "../../src/connect/claude-rivals.ts";
import type { Gateway, Scope, Surroundings } from "../../src/connect/client.ts";
import { applyEdits, undoEdits } from "../../src/connect/texts/edit-text.ts";
import { formats } from "../../src/connect/texts/format-table.ts";
import { vscodeClaude } from "../../src/connect/vscode-claude.ts";

const gateway: Gateway = {
  url: "http://127.0.0.1:8090",
  key: "clawgate-claude-code",
  models: [],
  command: "clawgate",
  isBilledByKey: false,
};
const user = "/home/ann/.claude/settings.json";
const shared = "/home/ann/project/.claude/settings.json";
const local = "/home/ann/project/.claude/settings.local.json";
const managed = "/etc/claude-code/managed-settings.json";

const machine = (
  texts: Readonly<Record<string, string>> = {},
  environment: Surroundings["environment"] = {},
): Surroundings => ({
  environment,
  homeDirectory: "/home/ann",
  workingDirectory: "/home/ann/project",
  platform: "linux",
  exists: (path) => path in texts,
  readText: (path) => texts[path] ?? null,
});

function connected(texts: Readonly<Record<string, string>>, scope: Scope) {
  const plan = claudeCode.files(machine(texts), scope, gateway)[0];
  if (plan === undefined) throw new Error("no plan");
  const before = texts[plan.path] ?? "{}\n";
  const { text, applied } = applyEdits(formats.json, before, plan.edits);
  expect(undoEdits(formats.json, text, applied)).toEqual({ text: before, left: [] });
  return formats.json.read(text) as { readonly env: Record<string, string>; readonly apiKeyHelper?: string };
}

const settingsOfRun = (
  texts: Readonly<Record<string, string>>,
  environment: Surroundings["environment"] = {},
) => {
  const plan = claudeCode.run?.(machine(texts, environment), gateway, "/run/x");
  return {
    ...(JSON.parse(plan?.files?.[0]?.text ?? "") as { env: Record<string, string>; apiKeyHelper: string }),
    unset: plan?.unset,
  };
};

describe.each([...rivalVariables])("%s", (name) => {
  const own = JSON.stringify({ env: { [name]: "1", MINE: "2" } }, null, 2);

  test("in the file that is written: emptied, and put back", () => {
    expect(connected({ [user]: own }, "user").env).toMatchObject({ [name]: "", MINE: "2" });
    expect(connected({ [local]: own }, "project").env).toMatchObject({ [name]: "", MINE: "2" });
  });

  test("in a file that the written one is preferred to: emptied there", () => {
    expect(connected({ [user]: own }, "project").env).toMatchObject({ [name]: "" });
    expect(connected({ [shared]: own }, "project").env).toMatchObject({ [name]: "" });
  });

  test("nowhere: nothing is written about it", () => {
    expect(connected({}, "user").env).not.toHaveProperty(name);
    expect(connected({ [user]: `{"env":{"${name}":""}}` }, "project").env).not.toHaveProperty(name);
  });

  test("for once: emptied by the settings that count most, and not passed on", () => {
    const { env, unset } = settingsOfRun({});
    expect(env).toHaveProperty(name, "");
    expect(unset).toContain(name);
  });

  test("in a project's file above the user's: told; since then in the user's: told as well", () => {
    const around = machine({ [shared]: own });
    expect(claudeCode.notes?.(around, "user", gateway)).toEqual([`${name} in ${shared} counts before it`]);
    expect(claudeCode.rivals?.(machine({ [user]: own }), "user", gateway.url)).toEqual([
      `${name} in ${user} counts before it`,
    ]);
    const emptied = machine({ [user]: own, [local]: `{"env":{"${name}":""}}` });
    expect(claudeCode.rivals?.(emptied, "project", gateway.url)).toEqual([]);
    expect(claudeCode.rivals?.(machine({ [user]: own }), "project", gateway.url)).toHaveLength(1);
  });
});

test("a helper for keys", () => {
  const own = '{"apiKeyHelper": "pass show key"}\n';
  expect(connected({ [user]: own }, "user").apiKeyHelper).toBe("");
  expect(connected({ [user]: own }, "project").apiKeyHelper).toBe("");
  expect(connected({}, "user")).not.toHaveProperty("apiKeyHelper");
  expect(settingsOfRun({ [user]: own }).apiKeyHelper).toBe("");
});

describe("headers", () => {
  const own = (headers: string): string => JSON.stringify({ env: { ANTHROPIC_CUSTOM_HEADERS: headers } });
  const mixed = "x-team: a\nX-ClawGate-Key: old\nAuthorization: Bearer x\nx-more: b";

  test("those with a credential go, the others stay", () => {
    expect(connected({ [user]: own(mixed) }, "user").env["ANTHROPIC_CUSTOM_HEADERS"]).toBe(
      "x-team: a\nx-more: b",
    );
    expect(connected({ [user]: own(mixed) }, "project").env["ANTHROPIC_CUSTOM_HEADERS"]).toBe(
      "x-team: a\nx-more: b",
    );
    expect(settingsOfRun({ [user]: own(mixed) }).env["ANTHROPIC_CUSTOM_HEADERS"]).toBe(
      "x-team: a\nx-more: b",
    );
    expect(
      settingsOfRun({}, { ANTHROPIC_CUSTOM_HEADERS: "x-api-key: k" }).env["ANTHROPIC_CUSTOM_HEADERS"],
    ).toBe("");
  });

  test("without one they are left alone", () => {
    expect(connected({ [user]: own("x-team: a") }, "user").env["ANTHROPIC_CUSTOM_HEADERS"]).toBe("x-team: a");
    expect(settingsOfRun({ [user]: own("x-team: a") }).env).not.toHaveProperty("ANTHROPIC_CUSTOM_HEADERS");
  });
});

describe("a proxy", () => {
  const own = '{"env":{"HTTPS_PROXY":"http://proxy.test:3128","NO_PROXY":"corp.test"}}';

  test("for once: not for the gateway, whatever else is excepted", () => {
    expect(settingsOfRun({ [user]: own }).env).toMatchObject({
      NO_PROXY: "corp.test,127.0.0.1",
      no_proxy: "corp.test,127.0.0.1",
    });
    expect(settingsOfRun({}).env).not.toHaveProperty("NO_PROXY");
  });

  test("in the user's settings: told with what to do", () => {
    const words = `${user} sets a proxy, which would be asked for the gateway: add 127.0.0.1 to its NO_PROXY`;
    expect(claudeCode.notes?.(machine({ [user]: own }), "user", gateway)).toEqual([words]);
    expect(claudeCode.rivals?.(machine({ [user]: own }), "user", gateway.url)).toEqual([words]);
    const excepted = machine({ [user]: own.replace("corp.test", "127.0.0.1") });
    expect(claudeCode.notes?.(excepted, "user", gateway)).toEqual([]);
  });
});

test("a project's own harmless headers stay, whatever the user's are", () => {
  const { env } = connected(
    {
      [local]: '{"env":{"ANTHROPIC_CUSTOM_HEADERS":"x-team: red"}}',
      [user]: '{"env":{"ANTHROPIC_CUSTOM_HEADERS":"x-api-key: sk-1"}}',
    },
    "project",
  );
  expect(env["ANTHROPIC_CUSTOM_HEADERS"]).toBe("x-team: red");
});

describe("what cannot be set aside refuses a start, and is told by connecting", () => {
  test.each([
    ["the machine's own settings", { [managed]: '{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}' }, managed],
    ["another address in them", { [managed]: '{"env":{"ANTHROPIC_BASE_URL":"https://corp.test"}}' }, managed],
    ["a socket", { [user]: '{"env":{"ANTHROPIC_UNIX_SOCKET":"/x"}}' }, "ANTHROPIC_UNIX_SOCKET"],
  ])("%s", (_name, texts: Readonly<Record<string, string>>, words) => {
    expect(claudeCode.runProblem?.(machine(texts), [], gateway.url)).toContain(words);
    expect(claudeCode.notes?.(machine(texts), "user", gateway)[0]).toContain(words);
    expect(claudeCode.rivals?.(machine(texts), "user", gateway.url)[0]).toContain(words);
  });

  test.each(["--settings x.json", "--settings=x.json"])("settings of the user's own: %s", (words) => {
    expect(claudeCode.runProblem?.(machine(), ["-p", "hello", ...words.split(" ")], gateway.url)).toContain(
      "`--settings`",
    );
  });

  test("nothing of that: it can be started", () => {
    const harmless = { [managed]: '{"env":{"X":"1"}}', [user]: "{ broken" };
    expect(claudeCode.runProblem?.(machine(harmless), ["--settings-of-mine"], gateway.url)).toBeNull();
    const led = { [managed]: `{"env":{"ANTHROPIC_BASE_URL":"${gateway.url}/","ANTHROPIC_AUTH_TOKEN":"k"}}` };
    expect(claudeCode.runProblem?.(machine(led), [], gateway.url)).toBeNull();
  });
});

test("the extension of VS Code reads the user's settings after its own variables: told", () => {
  const around = machine({ [user]: '{"env":{"ANTHROPIC_API_KEY":"sk-1"}}' });
  expect(vscodeClaude.notes?.(around, "user", gateway)[0]).toContain(
    `ANTHROPIC_API_KEY in ${user} counts before it`,
  );
});

test("a name that it does not know has the window of what answers", () => {
  const models = [
    { id: "auto", name: "auto", contextTokens: null, outputTokens: null },
    { id: "m", name: "m", contextTokens: 64_000, outputTokens: null },
  ];
  const plan = claudeCode.run?.(machine(), { ...gateway, models }, "/run/x");
  expect(plan?.variables).toMatchObject({
    ANTHROPIC_MODEL: "claude-auto",
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: "64000",
  });
});
