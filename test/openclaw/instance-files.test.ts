import { describe, expect, test } from "bun:test";
import {
  hasEntry,
  keyInEntry,
  variablesOf,
  withGateway,
  withoutGateway,
} from "../../src/openclaw/instance-files.ts";
import { readJson5 } from "../../src/openclaw/json5-text.ts";

const provider = { baseUrl: "http://127.0.0.1:8090/v1", apiKey: "0123456789abcdef", models: [] };
const edit = {
  id: "clawgate",
  provider,
  isPrimary: false,
  utilityModel: null,
  imageModel: null,
  variables: { CLAWGATE_API_KEY: "0123456789abcdef" },
} as const;
const routerEntry = {
  baseUrl: "http://127.0.0.1:8090",
  apiKey: { source: "env", provider: "default", id: "CLAWGATE_API_KEY" },
};

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

  const slots = { utilityModel: "lite", imageModel: "eye" } as const;

  test("cheap slots are filled where the main model is ours, and never over the user's own", () => {
    const primary = withGateway("{}", { ...edit, ...slots, isPrimary: true });
    expect(readJson5(primary)).toMatchObject({
      agents: { defaults: { utilityModel: "clawgate/lite", imageModel: { primary: "clawgate/eye" } } },
    });
    expect(readJson5(withoutGateway(primary, "{}"))).toEqual({});
    const already = "{ agents: { defaults: { model: { primary: 'clawgate/oai' } } } }";
    expect(withGateway(already, { ...edit, ...slots })).toContain("clawgate/lite");
    // Somebody else's titles do not begin to go through the gateway.
    expect(withGateway("{}", { ...edit, ...slots })).not.toContain("agents");
    for (const chosen of ["utilityModel: ''", "utilityModel: 'openai/mini', imageModel: 'openai/eye'"]) {
      const before = `{ agents: { defaults: { ${chosen} } } }`;
      const after = withGateway(before, { ...edit, ...slots, isPrimary: true });
      expect(after).toContain(chosen);
      expect(readJson5(withoutGateway(after, before))).toEqual(readJson5(before));
    }
  });

  test("a policy that restricts models is extended, and only where there is one", () => {
    const restricted = "{ agents: { defaults: { modelPolicy: { allow: ['openai/*'] } } } }";
    const after = withGateway(restricted, edit);
    expect(readJson5(after)).toMatchObject({
      agents: { defaults: { modelPolicy: { allow: ["openai/*", "clawgate/*"] } } },
    });
    expect(withGateway(after, edit)).toBe(after);
    expect(readJson5(withoutGateway(after, restricted))).toEqual(readJson5(restricted));
    for (const free of ["[]", "['*']", "['clawgate/*']"]) {
      const before = `{ agents: { defaults: { modelPolicy: { allow: ${free} } } } }`;
      expect(withGateway(before, edit)).toContain(`allow: ${free}`);
      expect(readJson5(withoutGateway(withGateway(before, edit), before))).toEqual(readJson5(before));
    }
  });

  test("what the user added to our entry stays", () => {
    const before = "{ models: { providers: { clawgate: { apiKey: 'old', timeoutSeconds: 900 } } } }";
    expect(readJson5(withGateway(before, edit))).toEqual({
      models: { providers: { clawgate: { ...provider, timeoutSeconds: 900 } } },
    });
  });

  test("the plugin's provider: written, allowed, taken out again; a real one is not ours", () => {
    const before = "{ plugins: { allow: ['telegram'] }, agents: { defaults: { model: 'openai/x' } } }";
    const after = withGateway(before, { ...edit, id: "clawrouter", provider: routerEntry, isPrimary: true });
    expect(readJson5(after)).toMatchObject({
      models: { providers: { clawrouter: routerEntry } },
      plugins: { allow: ["telegram", "clawrouter"] },
      agents: { defaults: { model: "clawrouter/auto" } },
    });
    expect(readJson5(withoutGateway(after, before))).toEqual(readJson5(before));
    const real = `{ models: { providers: { clawrouter: { apiKey: { source: 'env', provider: 'default', id: 'CLAWROUTER_API_KEY' } } } } }`;
    expect(hasEntry(real, "clawrouter")).toBe(false);
    expect(withoutGateway(real, null)).toBe(real);
  });
});
