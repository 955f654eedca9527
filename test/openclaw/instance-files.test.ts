import { describe, expect, test } from "bun:test";
import { keyInEntry, variablesOf, withGateway, withoutGateway } from "../../src/openclaw/instance-files.ts";
import { readJson5 } from "../../src/openclaw/json5-text.ts";

const provider = { baseUrl: "http://127.0.0.1:8090/v1", apiKey: "0123456789abcdef", models: [] };
const edit = { provider, isPrimary: false, variables: { CLAWGATE_API_KEY: "0123456789abcdef" } };

describe("openclaw.json", () => {
  test("other providers, and the main model, stay as they are", () => {
    const before = `{ models: { providers: { openai: { apiKey: 'theirs' } } }, agents: { defaults: { model: 'openai/x' } } }`;
    const after = withGateway(before, edit);
    expect(readJson5(after)).toEqual({
      models: { providers: { openai: { apiKey: "theirs" }, clawgate: provider } },
      agents: { defaults: { model: "openai/x" } },
    });
    expect(keyInEntry(after)).toBe("0123456789abcdef");
    expect(withGateway(after, edit)).toBe(after);
  });

  test.each([
    ["{}", "clawgate/auto"],
    ["{agents:{defaults:{model:'openai/x'}}}", "clawgate/auto"],
    [
      "{agents:{defaults:{model:{primary:'openai/x',fallbacks:['a/b']}}}}",
      { primary: "clawgate/auto", fallbacks: ["a/b"] },
    ],
  ])("the main model when asked for, and back: %s", (before, model) => {
    const after = withGateway(before, { ...edit, isPrimary: true });
    expect(readJson5(after)).toMatchObject({ agents: { defaults: { model } } });
    const changed = after.replace("{", "{ added: 1, ");
    expect(readJson5(withoutGateway(changed, before))).toEqual({ ...readJson5(before), added: 1 });
  });

  test("both forms of `env` are read, `env.vars` is written", () => {
    const flat = `{ env: { A: 'flat', B: 'flat', CLAWGATE_API_KEY: 'old', vars: { B: 'vars' }, shellEnv: { enabled: true } } }`;
    expect(variablesOf(flat)).toEqual({ A: "flat", B: "vars", CLAWGATE_API_KEY: "old" });
    expect(readJson5(withGateway(flat, edit))).toMatchObject({
      env: { A: "flat", B: "flat", vars: { B: "vars", CLAWGATE_API_KEY: "0123456789abcdef" } },
    });
    expect(withGateway(flat, edit)).not.toContain("'old'");
    expect(withGateway("{ env: { vars: {} } }", edit)).not.toContain("CLAWGATE_API_KEY");
  });
});
