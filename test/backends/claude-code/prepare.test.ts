// From a request to what the program is started with: what is refused, what distinguishes two processes, what a tenant changes.

import { describe, expect, test } from "bun:test";
import { noRequestOptions, type RequestOptions } from "../../../src/backends/backend.ts";
import {
  createPrepare,
  type PreparedTenant,
  type PrepareOptions,
} from "../../../src/backends/claude-code/prepare.ts";
import { resolveProgramSettings } from "../../../src/backends/claude-code/program-settings.ts";
import type { CliKeys } from "../../../src/backends/claude-code/settings.ts";
import type { Workspace } from "../../../src/backends/claude-code/workspace.ts";
import { type ChatRequest, emptyRequest } from "../../../src/canon/request.ts";
import { takesOf as takesByName } from "../../../src/catalog/model-takes.ts";

const workspace = (tenant: string): Workspace => ({
  tenant,
  bin: "/opt/claude",
  home: `/t/${tenant}`,
  configDir: `/t/${tenant}/config`,
  workingDir: `/t/${tenant}/work`,
  env: {},
  pluginDirs: [],
  addDirs: [],
  permissionMode: null,
  jail: null,
});

const ordinary: PreparedTenant = {
  env: {},
  configDir: null,
  workingDir: null,
  addDirs: null,
  permissionMode: null,
  tools: undefined,
  mcpServers: null,
};

const installation: PrepareOptions["installation"] = {
  bin: () => "/opt/claude",
  stamp: () => Promise.resolve("1"),
  workspaceOf: (tenant) => Promise.resolve(workspace(tenant ?? "default")),
  checkJail: () => Promise.resolve(),
  breachesOf: () => Promise.resolve(null),
  checkUsers: () => Promise.resolve(),
};

function preparing(keys: CliKeys = {}, more: Partial<PrepareOptions> = {}) {
  const world = { stamp: "1" };
  const prepare = createPrepare({
    program: resolveProgramSettings(keys),
    installation: { ...installation, stamp: () => Promise.resolve(world.stamp) },
    tenantOf: (name) => (name === "narrow" ? { ...ordinary, tools: ["Read"] } : ordinary),
    refreshModels: () => Promise.resolve(),
    takesOf: () => null,
    models: () => [{ value: "haiku", resolved: "claude-haiku-4-5-20251001", name: null, efforts: [] }],
    listed: new Set(["listed-model"]),
    mcpServers: { notes: { command: "/bin/n", args: [], env: {} } },
    mcpFiles: { plan: (servers) => ({ path: `/mcp/${servers.join("+")}`, text: "", servers }) },
    environment: {},
    gatewayId: "g",
    skills: {
      of: (tenant) =>
        Promise.resolve(
          tenant === "skilled" ? { path: "/plugins/skilled", list: "the list of skills" } : null,
        ),
    },
    promptMode: "auto",
    warn: () => undefined,
    ...more,
  });
  const unsupported: string[] = [];
  const run = (
    call: { model?: string; tenant?: string | null; requestOptions?: RequestOptions } = {},
    request: Partial<ChatRequest> = {},
  ) =>
    prepare(
      { ...emptyRequest, ...request },
      {
        model: "sonnet",
        tenant: null,
        requestOptions: noRequestOptions,
        unsupported: (name) => void unsupported.push(name),
        ...call,
      },
    );
  const keyOf = async (...asked: Parameters<typeof run>): Promise<string> => (await run(...asked)).key;
  return { run, keyOf, unsupported, world };
}

describe("the model", () => {
  test.each([
    ["cc-gateway/claude-opus-4", {}, "opus"],
    ["listed-model", { default_model: "haiku" }, "listed-model"],
    ["unknown-model", { default_model: "claude-max/haiku" }, "haiku"],
    // Another address may serve other names: the upstream says what it does not have.
    ["unknown-model", {}, "unknown-model"],
  ] as const)("%s with %p is %s", async (model, keys, expected) => {
    const prepared = await preparing(keys).run({ model });
    expect([prepared.request.model, prepared.order.launch.argv.includes(expected)]).toEqual([expected, true]);
  });

  test("one that could be a flag is refused", () => {
    expect(preparing().run({ model: "--mcp-config" })).rejects.toMatchObject({ kind: "unknown-model" });
  });
});

describe("processes are distinguished", () => {
  test("by tenant, model, servers, skills, tools and the program itself; by nothing of the request", async () => {
    const { keyOf, world } = preparing({ tools: "default" });
    const plain = await keyOf();
    expect(await keyOf({}, { system: [{ type: "text", text: "other" }], maxTokens: 7 })).toBe(plain);
    const others = [
      await keyOf({ tenant: "alice" }),
      await keyOf({ tenant: "narrow" }),
      await keyOf({ tenant: "skilled" }),
      await keyOf({ model: "haiku" }),
      await keyOf({ requestOptions: { effort: null, mcpServers: ["notes"] } }),
    ];
    world.stamp = "2";
    others.push(await keyOf());
    expect(new Set([plain, ...others]).size).toBe(7);
  });

  test("the request's effort is set in the process; the operator's is what it starts with", async () => {
    const { run, keyOf } = preparing({ effort: "low" });
    const requestOptions = { effort: "max", mcpServers: [] };
    expect(await keyOf({ requestOptions })).toBe(await keyOf());
    const prepared = await run({ requestOptions });
    expect([prepared.launchedEffort, prepared.effort, prepared.request.effort]).toEqual(["low", "max", null]);
  });
});

describe("what a tenant changes", () => {
  test("it narrows the tools, and its skills come as a plugin", async () => {
    const { run } = preparing({ tools: ["Read", "Bash"] });
    const narrow = await run({ tenant: "narrow" });
    expect(narrow.order.launch.argv.join(" ")).toContain("--tools Read --strict");
    const skilled = await run({ tenant: "skilled" });
    expect(skilled.order.launch.argv.join(" ")).toContain("--plugin-dir /plugins/skilled");
    expect([narrow.runsTools, (await preparing().run({ tenant: "skilled" })).runsTools]).toEqual([
      true,
      true,
    ]);
    expect((await preparing().run()).runsTools).toBe(false);
    expect([narrow.ownTools, skilled.ownTools]).toEqual([["Read"], ["Read", "Bash", "Skill"]]);
    expect((await preparing({ tools: "default" }).run()).ownTools).toBe("all");
    expect((await preparing({ tools: ["Task"] }).run()).ownTools).toEqual(["Task", "Agent"]);
  });

  test("its skills are listed to the model, which the program does not do by itself", async () => {
    const { request } = await preparing().run({ tenant: "skilled" });
    expect(request.system.at(-1)).toEqual({ type: "text", text: "the list of skills" });
    expect((await preparing().run({ tenant: "alice" })).request.system).toEqual([]);
  });

  test("its prompt is behind the client's, and only where there is a shell", async () => {
    const system = [{ type: "text", text: "mine" }] as const;
    const { request } = await preparing({ tools: ["Bash"] }).run({ tenant: "alice" }, { system });
    expect(request.system[0]).toEqual(system[0]);
    expect(JSON.stringify(request.system[1])).toContain("openclaw-tenant: alice");
    const boxed = preparing({ tools: ["Bash"] }, { tenantOf: () => ({ ...ordinary, container: "my-claw" }) });
    const told = (await boxed.run({ tenant: "alice" })).request.system;
    expect(JSON.stringify(told)).toContain("openclaw-container: my-claw");
    expect((await preparing().run({ tenant: "alice" }, { system })).request.system).toEqual(system);
  });
});

describe("request options", () => {
  test("servers are named in the launch, their file is planned", async () => {
    const prepared = await preparing().run({
      requestOptions: { effort: null, mcpServers: ["notes"] },
    });
    expect([prepared.order.mcp?.path, prepared.runsTools]).toEqual(["/mcp/notes", true]);
    expect(prepared.order.launch.argv.join(" ")).toContain("--mcp-config /mcp/notes");
    expect(prepared.order.launch.argv).toContain("mcp__notes");
  });

  test("an effort for a model without any is named, not refused", async () => {
    const { run, unsupported } = preparing();
    const prepared = await run({ model: "haiku", requestOptions: { effort: "high", mcpServers: [] } });
    expect([prepared.effort, unsupported]).toEqual([null, ["effort"]]);
  });

  test("no thinking at all stays what the request asked for", async () => {
    const { run } = preparing({ effort: "high" });
    expect((await run({}, { effort: "none" })).request.effort).toBe("none");
    const requestOptions = { effort: "high", mcpServers: [] };
    expect((await run({ requestOptions }, { effort: "none" })).request.effort).toBeNull();
  });

  test("the profile's names are undone on the way out", async () => {
    const tools = [{ name: "exec", description: null, schema: {} }];
    const prepared = await preparing({
      openclaw: { tool_names: true, filter_prompt: false },
    }).run({}, { tools });
    expect(prepared.request.tools[0]?.name).toBe("Bash");
    expect(prepared.restore?.({ type: "tool-start", index: 0, id: "t", name: "Bash" })).toMatchObject({
      name: "exec",
    });
  });
});

test("a tool that the client holds back is offered when the history names it", async () => {
  const deferred = { "anthropic-messages": { defer_loading: true } };
  const tools = ["Now", "Late"].map((name) => ({
    name,
    description: null,
    schema: {},
    ...(name === "Late" ? { extras: deferred } : {}),
  }));
  const value = { type: "tool_reference", tool_name: "Late" };
  const content = [{ type: "opaque", dialect: "anthropic-messages", value }] as const;
  const offered = async (request: Partial<ChatRequest>): Promise<string[]> => {
    const prepared = await preparing().run({}, { tools, ...request });
    return prepared.request.tools.map(({ name }) => name);
  };
  expect(await offered({})).toEqual(["Now"]);
  expect(await offered({ messages: [{ role: "user", content }] })).toEqual(["Now", "Late"]);
});

test("where it runs: a server elsewhere leaves no files in its folder, one of this machine may", async () => {
  const mcpServers: PrepareOptions["mcpServers"] = {
    here: { command: "/bin/n", args: [], env: {} },
    there: { type: "http", url: "http://127.0.0.1:9/", headers: {} },
  };
  const place = { ...workspace("a"), neutralDir: "/tmp/work-1/1" };
  const { run } = preparing(
    {},
    { mcpServers, installation: { ...installation, workspaceOf: () => Promise.resolve(place) } },
  );
  const cwdWith = async (...names: string[]) =>
    (await run({ requestOptions: { effort: null, mcpServers: names } })).order.launch.cwd;
  expect(await cwdWith()).toBe("/tmp/work-1/1");
  expect(await cwdWith("there")).toBe("/tmp/work-1/1");
  expect(await cwdWith("there", "here")).toBe("/t/a/work");
});

describe("how a model thinks", () => {
  const newest = { value: "opus", resolved: "claude-opus-5-5", name: null, efforts: ["low", "high", "max"] };
  const always = { ...newest, alwaysThinks: true, adaptsThinking: true } as const;
  const off = { thinking: { mode: "off" } } as const;

  test("the program says of those that it names, its maker's table of the others", async () => {
    const takesOf = (model: string) => takesByName(model);
    const haiku = { ...newest, value: "haiku", resolved: "claude-haiku-5-5" };
    // 2.1.197 does not say of any model whether its thinking can be off.
    const older = { ...newest, value: "fable", resolved: "claude-fable-5" };
    const { run } = preparing({}, { models: () => [always, haiku, older], takesOf });
    const ways = async (model: string) => {
      const prepared = await run({ model });
      return [prepared.alwaysThinks, prepared.adaptsThinking];
    };
    expect(await ways("opus")).toEqual([true, true]);
    expect(await ways("haiku")).toEqual([false, false]);
    expect(await ways("fable")).toEqual([true, false]);
    for (const name of ["best", "claude-opus-4-1", "claude-opus-4-20250514[1m]"])
      expect(await ways(name)).toEqual([true, true]);
    expect(await ways("claude-sonnet-5-5")).toEqual([true, true]);
    expect(await ways("claude-opus-4-6")).toEqual([false, true]);
    expect(await ways("claude-haiku-4-5")).toEqual([false, false]);
    expect(await ways("listed-model")).toEqual([false, false]);
  });

  test.each([
    ["least where it cannot be switched off", always, off, noRequestOptions, "low"],
    ["the client's own level all the same", always, { ...off, effort: "max" }, noRequestOptions, "max"],
    ["the option of a header", always, off, { effort: "high", mcpServers: [] }, "high"],
    ["the operator's where it can be switched off", newest, off, noRequestOptions, "high"],
    ["the operator's where nobody said a word", always, {}, noRequestOptions, "high"],
  ] as const)("the effort is %s", async (_what, model, request, requestOptions, effort) => {
    const { run, unsupported } = preparing({ effort: "high" }, { models: () => [model] });
    expect((await run({ model: "opus", requestOptions }, request)).effort).toBe(effort);
    expect(unsupported).toEqual([]);
  });

  test("while the models are unknown, only a request that the model may refuse waits for the list", async () => {
    let asked = 0;
    let models: readonly (typeof always)[] = [];
    const refreshModels = (): Promise<void> => {
      asked++;
      models = [always];
      return Promise.resolve();
    };
    const { run } = preparing({}, { models: () => models, refreshModels });
    expect([(await run({ model: "opus" })).alwaysThinks, asked]).toEqual([false, 0]);
    const forced = { toolChoice: { type: "required" } } as const;
    expect([(await run({ model: "opus" }, forced)).alwaysThinks, asked]).toEqual([true, 1]);
    expect([(await run({ model: "opus" }, off)).alwaysThinks, asked]).toEqual([true, 1]);
  });
});
