// What connecting writes for each client, as its program takes it (test/heavy/connect.heavy.ts asks the programs), and that it is taken
// back byte for byte from configs that people have.

import { describe, expect, test } from "bun:test";
import { clients } from "../../src/connect/client-table.ts";
import type { Client, FilePlan, Gateway, Scope, Surroundings } from "../../src/connect/client.ts";
import { keyWord } from "../../src/connect/client.ts";
import { applyEdits, undoEdits } from "../../src/connect/texts/edit-text.ts";
import { formats } from "../../src/connect/texts/format-table.ts";
import { TextProblem } from "../../src/connect/texts/text-format.ts";

const url = "http://127.0.0.1:8090";
const model = (id: string, contextTokens: number | null = null) => ({
  id,
  name: id,
  contextTokens,
  outputTokens: null,
});

const gatewayOf = (
  id: string,
  models = [model("auto"), model("oai", 200_000), model("small", 100_000)],
): Gateway => ({
  url,
  key: keyWord(id),
  models,
  command: "clawgate",
  isBilledByKey: false,
});

type More = Partial<Surroundings> & { readonly there?: readonly string[] };

const machine = ({ there = [], ...more }: More = {}): Surroundings => ({
  environment: {},
  homeDirectory: "/home/ann",
  workingDirectory: "/home/ann/project",
  platform: "linux",
  exists: (path) => there.includes(path),
  ...more,
});

function clientOf(id: string): Client {
  const client = clients.find((each) => each.id === id);
  if (client === undefined) throw new Error(`no client ${id}`);
  return client;
}

/** The files as they are written, by path; `texts`: those that the user has. */
function written(plans: readonly FilePlan[], texts: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(
    plans.map(({ path, format, edits }) => {
      const { blank, read } = formats[format];
      const { text, applied, kept } = applyEdits(formats[format], texts[path] ?? blank, edits);
      return [path, { format, text, value: read(text), applied, kept }];
    }),
  );
}

const plansOf = (
  id: string,
  more: More = {},
  scope: Scope = "user",
  gateway = gatewayOf(id),
): readonly FilePlan[] => clientOf(id).files(machine(more), scope, gateway);

const valueIn = (
  id: string,
  path: string,
  more: More = {},
  scope: Scope = "user",
  gateway = gatewayOf(id),
): unknown => written(plansOf(id, more, scope, gateway))[path]?.value;

test("the clients that have a row", () => {
  expect(clients.map(({ id }) => id).toSorted()).toEqual(
    [
      "aider",
      "claude-code",
      "codex",
      "continue",
      "gemini-cli",
      "opencode",
      "qwen-code",
      "vscode-claude",
      "zed",
    ].toSorted(),
  );
});

const valueAt = (files: ReturnType<typeof written>, path: string): unknown => files[path]?.value;

/** As `codex debug models --bundled` prints it, with what matters here. */
const told = JSON.stringify({
  models: [
    {
      slug: "gpt-6",
      visibility: "list",
      use_responses_lite: true,
      tool_mode: "code_mode_only",
      base_instructions: "no",
    },
    { slug: "hidden", visibility: "hide", use_responses_lite: false, base_instructions: "no" },
    {
      slug: "gpt-5.5",
      visibility: "list",
      use_responses_lite: false,
      priority: 13,
      shell_type: "unified_exec",
      context_window: 272_000,
      max_context_window: 272_000,
      upgrade: { model: "gpt-6" },
      service_tiers: [{ id: "priority" }],
      model_messages: { instructions_template: "no" },
      base_instructions:
        "You are Codex, a coding agent based on GPT-5. You and the user share one workspace.",
    },
  ],
});

describe("Codex", () => {
  const config = "/home/ann/.codex/config.toml";
  const list = "/home/ann/.codex/clawgate-models.json";

  test("a provider of its own, without WebSocket, and the list of models", () => {
    const files = written(plansOf("codex", { told }));
    expect(files[config]?.value).toEqual({
      model: "auto",
      model_provider: "clawgate",
      model_catalog_json: list,
      model_providers: {
        clawgate: {
          name: "ClawGate",
          base_url: `${url}/v1`,
          wire_api: "responses",
          experimental_bearer_token: "clawgate-codex",
          supports_websockets: false,
        },
      },
    });
    const { models } = valueAt(files, list) as { models: readonly Record<string, unknown>[] };
    expect(
      models.map(({ slug, priority, context_window, max_context_window }) => [
        slug,
        priority,
        context_window,
        max_context_window,
      ]),
    ).toEqual([
      ["auto", 0, 100_000, 100_000],
      ["oai", 1, 200_000, 200_000],
      ["small", 2, 100_000, 100_000],
    ]);
    expect(models[0]).toMatchObject({ shell_type: "unified_exec", upgrade: null, service_tiers: [] });
    expect(models[0]?.["base_instructions"]).toBe("You are Codex. You and the user share one workspace.");
    expect(models[0]).not.toHaveProperty("model_messages");
  });

  test("the list is written before the config that names it", () => {
    expect(plansOf("codex", { told }).map(({ path }) => path)).toEqual([list, config]);
  });

  test.each([
    ["nothing", undefined],
    ["no JSON", "oops"],
    ["no fit model", '{"models":[{"slug":"x","visibility":"list"}]}'],
  ])("told %s, the window at least", (_, said) => {
    const files = written(plansOf("codex", { told: said }));
    expect(Object.keys(files)).toEqual([config]);
    expect(files[config]?.value).toMatchObject({ model_context_window: 100_000 });
  });

  test("its own folder", () => {
    expect(plansOf("codex", { environment: { CODEX_HOME: "/data/codex" } }).at(-1)?.path).toBe(
      "/data/codex/config.toml",
    );
  });

  test("for once: by arguments, the key by a variable", () => {
    const plan = clientOf("codex").run?.(machine({ told }), gatewayOf("codex"), "/run/x");
    expect(plan?.variables).toEqual({ CLAWGATE_API_KEY: "clawgate-codex" });
    expect(plan?.args.join(" ")).not.toContain("clawgate-codex");
    expect(plan?.args).toContain(
      `model_providers.clawgate={"name"="ClawGate","base_url"="${url}/v1","wire_api"="responses","supports_websockets"=false,"env_key"="CLAWGATE_API_KEY"}`.replaceAll(
        /"(\w+)"=/g,
        "$1=",
      ),
    );
    expect(plan?.args).toContain('model_catalog_json="/run/x/clawgate-models.json"');
    expect(plan?.files?.map(({ name }) => name)).toEqual(["clawgate-models.json"]);
  });
});

describe("Gemini CLI", () => {
  test("address and key in .env, sign-in and model in settings.json", () => {
    expect(valueIn("gemini-cli", "/home/ann/.gemini/.env")).toEqual({
      GOOGLE_GEMINI_BASE_URL: url,
      GEMINI_API_KEY: "clawgate-gemini-cli",
    });
    expect(valueIn("gemini-cli", "/home/ann/.gemini/settings.json")).toEqual({
      security: { auth: { selectedType: "gemini-api-key" } },
      // `auto` would be a Gemini model.
      model: { name: "clawgate/auto", compressionThreshold: 0.047 },
      advanced: { ignoreLocalEnv: true },
    });
  });

  test("a project's own .env counts where the project is connected", () => {
    expect(
      valueIn("gemini-cli", "/home/ann/project/.gemini/settings.json", {}, "project"),
    ).not.toHaveProperty("advanced");
  });

  test("what the user has chosen stays", () => {
    const path = "/home/ann/.gemini/settings.json";
    const own = '{"advanced":{"ignoreLocalEnv":false},"model":{"compressionThreshold":0.3}}';
    expect(written(plansOf("gemini-cli"), { [path]: own })[path]).toMatchObject({
      value: {
        advanced: { ignoreLocalEnv: false },
        model: { name: "clawgate/auto", compressionThreshold: 0.3 },
      },
      kept: ["model.compressionThreshold", "advanced.ignoreLocalEnv"],
    });
  });

  test("a window as large as Google's needs no other threshold", () => {
    const wide = gatewayOf("gemini-cli", [model("goo", 2_000_000)]);
    expect(valueIn("gemini-cli", "/home/ann/.gemini/settings.json", {}, "user", wide)).toMatchObject({
      model: { name: "goo" },
    });
    expect(JSON.stringify(plansOf("gemini-cli", {}, "user", wide))).not.toContain("compressionThreshold");
  });

  test("a variable of the terminal is told", () => {
    const notes = clientOf("gemini-cli").notes?.(
      machine({ environment: { GEMINI_API_KEY: "mine" } }),
      "user",
      gatewayOf("gemini-cli"),
    );
    expect(notes?.[0]).toContain("GEMINI_API_KEY is set");
  });

  test("for once: in a home of its own", () => {
    const plan = clientOf("gemini-cli").run?.(machine(), gatewayOf("gemini-cli"), "/run/x");
    expect(plan?.variables).toEqual({
      GOOGLE_GEMINI_BASE_URL: url,
      GEMINI_API_KEY: "clawgate-gemini-cli",
      GEMINI_CLI_HOME: "/run/x",
    });
    expect(JSON.parse(plan?.files?.[0]?.text ?? "")).toEqual({
      security: { auth: { selectedType: "gemini-api-key" } },
      model: { name: "clawgate/auto", compressionThreshold: 0.047 },
    });
  });
});

describe("opencode", () => {
  const path = "/home/ann/.config/opencode/opencode.json";
  const block = {
    npm: "@ai-sdk/openai-compatible",
    name: "ClawGate",
    options: { baseURL: `${url}/v1`, apiKey: "clawgate-opencode" },
    models: {
      auto: {
        name: "auto",
        attachment: true,
        modalities: { input: ["text", "image"], output: ["text"] },
        limit: { context: 100_000, output: 32_000 },
      },
      oai: expect.objectContaining({ limit: { context: 200_000, output: 32_000 } }) as unknown,
      small: expect.objectContaining({ name: "small" }) as unknown,
    },
  };

  test("a provider with the gateway's models", () => {
    expect(valueIn("opencode", path)).toEqual({
      $schema: "https://opencode.ai/config.json",
      provider: { clawgate: block },
      model: "clawgate/auto",
    });
  });

  test.each([
    ["opencode.jsonc", ["opencode.jsonc", "opencode.json"]],
    ["opencode.json", ["opencode.json", "config.json"]],
    ["config.json", ["config.json"]],
    ["opencode.json", []],
  ])("writes %s where there is %p", (name, there) => {
    const folder = "/home/ann/.config/opencode";
    expect(plansOf("opencode", { there: there.map((each) => `${folder}/${each}`) })[0]?.path).toBe(
      `${folder}/${name}`,
    );
  });

  test("other places", () => {
    expect(plansOf("opencode", {}, "project")[0]?.path).toBe("/home/ann/project/opencode.json");
    expect(plansOf("opencode", { environment: { XDG_CONFIG_HOME: "/cfg" } })[0]?.path).toBe(
      "/cfg/opencode/opencode.json",
    );
    expect(plansOf("opencode", { environment: { OPENCODE_CONFIG: "/my.json" } })[0]?.path).toBe("/my.json");
  });

  test("for once: by a variable", () => {
    const plan = clientOf("opencode").run?.(machine(), gatewayOf("opencode"), "/run/x");
    expect(JSON.parse(plan?.variables["OPENCODE_CONFIG_CONTENT"] ?? "")).toEqual({
      model: "clawgate/auto",
      provider: { clawgate: block },
    });
    expect(plan?.files).toBeUndefined();
  });

  test("its own checker", () => {
    const problemIn = clientOf("opencode").check?.problemIn;
    expect(problemIn?.({ code: 0, stdout: '{"model": "clawgate/auto"}', stderr: "" })).toBeNull();
    expect(problemIn?.({ code: 0, stdout: '{"model": "other/one"}', stderr: "" })).toContain("does not use");
    expect(problemIn?.({ code: 1, stdout: "", stderr: "Error: not valid JSON\n" })).toBe(
      "Error: not valid JSON",
    );
  });
});

describe("Qwen Code", () => {
  const path = "/home/ann/.qwen/settings.json";
  const entry = {
    id: "auto",
    name: "ClawGate: auto",
    baseUrl: `${url}/v1`,
    envKey: "CLAWGATE_API_KEY",
    generationConfig: { contextWindowSize: 100_000 },
  };

  test("a model among the user's", () => {
    const own = '{"modelProviders":{"openai":[{"id":"mine"}]},"model":{"name":"mine"}}';
    expect(written(plansOf("qwen-code"), { [path]: own })[path]?.value).toEqual({
      modelProviders: { openai: [{ id: "mine" }, entry] },
      env: { CLAWGATE_API_KEY: "clawgate-qwen-code" },
      security: { auth: { selectedType: "openai" } },
      model: { name: "auto" },
    });
  });

  test("other places", () => {
    expect(plansOf("qwen-code", { environment: { QWEN_HOME: "/q" } })[0]?.path).toBe("/q/settings.json");
    expect(plansOf("qwen-code", {}, "project")[0]?.path).toBe("/home/ann/project/.qwen/settings.json");
  });

  test("for once: by the settings of the machine, which the user's do not outvote", () => {
    const plan = clientOf("qwen-code").run?.(machine(), gatewayOf("qwen-code"), "/run/x");
    expect(plan?.variables).toEqual({
      QWEN_CODE_SYSTEM_SETTINGS_PATH: "/run/x/settings.json",
      CLAWGATE_API_KEY: "clawgate-qwen-code",
    });
    expect(JSON.parse(plan?.files?.[0]?.text ?? "")).toMatchObject({
      modelProviders: { openai: [entry] },
      model: { name: "auto" },
    });
  });
});

describe("aider", () => {
  const name = "litellm_proxy/auto";
  const settings = {
    name,
    edit_format: "diff",
    use_repo_map: true,
    extra_params: { api_base: `${url}/v1`, api_key: "clawgate-aider" },
  };
  const metadata = {
    max_input_tokens: 100_000,
    max_output_tokens: 32_000,
    litellm_provider: "litellm_proxy",
    mode: "chat",
  };

  test("a model of its own; the user's keys stay", () => {
    const conf = "/home/ann/.aider.conf.yml";
    const files = written(plansOf("aider"), { [conf]: "# mine\nmodel: gpt-5\nopenai-api-key: sk-mine\n" });
    expect(files[conf]?.text).toBe('# mine\nmodel: "litellm_proxy/auto"\nopenai-api-key: sk-mine\n');
    expect(files["/home/ann/.aider.model.settings.yml"]?.value).toEqual([settings]);
    expect(files["/home/ann/.aider.model.metadata.json"]?.value).toEqual({ [name]: metadata });
  });

  test("a project", () => {
    expect(plansOf("aider", {}, "project").map(({ path }) => path)).toEqual([
      "/home/ann/project/.aider.model.settings.yml",
      "/home/ann/project/.aider.model.metadata.json",
      "/home/ann/project/.aider.conf.yml",
    ]);
  });

  test("for once: by variables and two files", () => {
    const plan = clientOf("aider").run?.(machine(), gatewayOf("aider"), "/run/x");
    expect(plan?.variables).toEqual({
      AIDER_MODEL: name,
      AIDER_MODEL_SETTINGS_FILE: "/run/x/settings.yml",
      AIDER_MODEL_METADATA_FILE: "/run/x/metadata.json",
    });
    expect(plan?.files?.map(({ text }) => JSON.parse(text) as unknown)).toEqual([
      [settings],
      { [name]: metadata },
    ]);
  });
});

describe("Continue", () => {
  const path = "/home/ann/.continue/config.yaml";
  const entry = {
    name: "ClawGate",
    provider: "openai",
    model: "auto",
    apiBase: `${url}/v1`,
    apiKey: "clawgate-continue",
    roles: ["chat", "edit", "apply"],
    capabilities: ["tool_use", "image_input"],
    defaultCompletionOptions: { contextLength: 100_000, maxTokens: 32_000 },
  };

  test("a whole config where there is none", () => {
    expect(valueIn("continue", path)).toEqual({
      name: "Local Config",
      version: "1.0.0",
      schema: "v1",
      models: [entry],
    });
  });

  test.each([
    [
      "a block",
      "name: mine\nversion: 0.0.1\nschema: v1\nmodels:\n  # the best\n  - name: Other\n    model: x\n",
    ],
    [
      "a block without indentation",
      "name: mine\nversion: 0.0.1\nschema: v1\nmodels:\n- name: Other\n  model: x\n",
    ],
    ["a line", 'name: mine\nversion: 0.0.1\nschema: v1\nmodels: [{name: Other, model: "x"}]\n'],
  ])("the first model of the user's, in %s", (_, own) => {
    const file = written(plansOf("continue"), { [path]: own })[path];
    expect(file?.value).toEqual({
      name: "mine",
      version: "0.0.1",
      schema: "v1",
      models: [entry, { name: "Other", model: "x" }],
    });
    expect(undoEdits(formats.yaml, file?.text ?? "", file?.applied ?? []).text).toBe(own);
  });

  test("a config of the older form is not hidden", () => {
    const old = "/home/ann/.continue/config.json";
    expect(plansOf("continue", { there: [old] }).map((plan) => plan.path)).toEqual([old]);
    expect(valueIn("continue", old, { there: [old] })).toEqual({
      models: [
        {
          title: "ClawGate",
          provider: "openai",
          model: "auto",
          apiBase: `${url}/v1`,
          apiKey: "clawgate-continue",
          contextLength: 100_000,
        },
      ],
    });
  });

  test("for once: by a config of its own", () => {
    const plan = clientOf("continue").run?.(machine(), gatewayOf("continue"), "/run/x");
    expect(plan?.args).toEqual(["--config", "/run/x/config.yaml"]);
    expect(JSON.parse(plan?.files?.[0]?.text ?? "")).toMatchObject({ schema: "v1", models: [entry] });
  });
});

describe("Zed", () => {
  test("a provider, with the key in a header: its own keys are in the system's key ring", () => {
    expect(valueIn("zed", "/home/ann/.config/zed/settings.json")).toEqual({
      language_models: {
        openai_compatible: {
          ClawGate: {
            api_url: `${url}/v1`,
            available_models: [
              zedModel("auto", 100_000),
              zedModel("oai", 200_000),
              zedModel("small", 100_000),
            ],
            custom_headers: { "x-clawgate-key": "clawgate-zed" },
          },
        },
      },
      agent: { default_model: { provider: "ClawGate", model: "auto" } },
    });
  });

  test("what the user has to do", () => {
    expect(clientOf("zed").notes?.(machine(), "user", gatewayOf("zed"))[0]).toContain("clawgate-zed");
    expect(clientOf("zed").run).toBeUndefined();
  });
});

// Members and types of Zed's OpenAiCompatibleAvailableModel; a value of another type is dropped with a warning.
const zedModel = (name: string, tokens: number) => ({
  name,
  display_name: name,
  max_tokens: tokens,
  max_output_tokens: 32_000,
  capabilities: { tools: true, images: true, parallel_tool_calls: true, prompt_cache_key: true },
});

const users: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  json: {
    none: "",
    comments: '// mine\n{\n\t"theme": "dark", // keep\n\t/* x */ "model": { "name": "old" },\n}\n',
    "Windows line ends": '{\r\n  "a": [1, 2],\r\n  "env": {}\r\n}\r\n',
    "one line": '{"model":"old","provider":{"x":{}},"models":[],"agent":{"default_model":null}}',
  },
  toml: {
    none: "",
    comments:
      '# mine\nmodel = "gpt-6" # best\n\n[projects."/x"]\ntrust_level = "trusted"\n\n[model_providers.other]\nname = "o"\n',
    "Windows line ends": 'approval_policy = "never"\r\n[history]\r\npersistence = "none"\r\n',
    "no last line break": "[features]\napps = false",
  },
  yaml: {
    none: "",
    comments: "# mine\n\nmodel: old # x\nname: a\n# end\n",
    "a list": "- name: other\n  edit_format: whole\n",
  },
  env: { none: "", others: "# mine\nexport A=1\nGEMINI_API_KEY='old' # x\n" },
};

const isFit = (plan: FilePlan, text: string): boolean => {
  const { read } = formats[plan.format];
  const wantsList = typeof plan.edits[0]?.path[0] === "object";
  const value = text === "" ? null : read(text);
  if (value === null) return true;
  if (Array.isArray(value) !== wantsList) return false;
  // A value of another shape on the way is refused, which texts.test.ts shows.
  try {
    applyEdits(formats[plan.format], text, plan.edits);
    return true;
  } catch (error) {
    if (error instanceof TextProblem) return false;
    throw error;
  }
};

describe("taken back byte for byte", () => {
  const cases = clients.flatMap(({ id, scopes }) =>
    scopes.flatMap((scope) =>
      plansOf(id, { told }, scope).flatMap((plan) =>
        Object.entries(users[plan.format] ?? {})
          .filter(([, text]) => isFit(plan, text))
          .map(([kind, text]) => ({ id, scope, plan, kind, text })),
      ),
    ),
  );

  test("there are cases of every client and format", () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(clients.length);
    expect(new Set(cases.map(({ plan }) => plan.format)).size).toBe(Object.keys(formats).length);
    expect(cases.length).toBeGreaterThan(45);
  });

  test.each(cases)("$id, $scope, $plan.path: $kind", ({ plan, text }) => {
    const format = formats[plan.format];
    const { text: after, applied } = applyEdits(format, text === "" ? format.blank : text, plan.edits);
    expect(applied.length).toBeGreaterThan(0);
    const { text: back, left } = undoEdits(format, after, applied);
    expect(left).toEqual([]);
    expect(back).toBe(text === "" ? format.blank : text);
  });
});
