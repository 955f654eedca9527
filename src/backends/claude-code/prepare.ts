// Prepares a request for the program: workspace, model, tools, MCP servers and effort, and the request as the model sees
// it. Whatever can be refused is refused here, before a process is taken.

import type { ChatRequest } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import { withLoadedTools } from "../../dialects/deferred-tools.ts";
import { isThinkingOff } from "../../dialects/fit-to-model.ts";
import { sha256Hex } from "../../system/secret.ts";
import type { Call } from "../backend.ts";
import type { CliTenant, Installation } from "./installation.ts";
import { withServers } from "./jail-settings.ts";
import { launchOf } from "./launch.ts";
import { chooseServers, type McpFiles, type McpPlan } from "./mcp-servers.ts";
import { type CliModel, cliName, reportedModel } from "./models/cli-models.ts";
import { withProfile } from "./openclaw-profile.ts";
import type { Prepared, ProcessOrder } from "./prepared.ts";
import { type CliProgram, narrowTools, ownTools, type ServerTools } from "./program-settings.ts";
import type { CliKeys, McpServers } from "./settings.ts";
import { type PromptMode, skillPrompt, wantsPrompt, withPrompt } from "./skills/skill-prompt.ts";
import type { SkillPlugins } from "./skills/skill-plugins.ts";
import { type EffortQuery, presetEffort, resolveEffort } from "./effort-level.ts";
import type { Workspace } from "./workspace.ts";

export type PreparedTenant = CliTenant & {
  readonly tools: CliKeys["tools"];
  /** MCP servers that it may switch on; null: all. */
  readonly mcpServers: readonly string[] | null;
  /** The container of its OpenClaw; null or absent: not known to be in one. */
  readonly container?: string | null;
};

export type PrepareOptions = {
  readonly program: CliProgram;
  readonly installation: Installation;
  /** Null: no tenant of the config has this name. */
  readonly tenantOf: (name: string) => PreparedTenant | null;
  readonly models: () => readonly CliModel[];
  /** Settles when the program has reported its models, or failed to. */
  readonly refreshModels: () => Promise<void>;
  /** What is known about a model that the program did not report. */
  readonly takesOf: (model: string) => Takes | null;
  /** Names that the operator listed for this provider: they pass as they are. */
  readonly listed: ReadonlySet<string>;
  readonly mcpServers: McpServers;
  readonly mcpFiles: Pick<McpFiles, "plan">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly gatewayId: string;
  readonly skills: SkillPlugins;
  readonly promptMode: PromptMode;
  readonly warn: (message: string) => void;
};

export type Prepare = (
  request: ChatRequest,
  call: Pick<Call, "model" | "tenant" | "requestOptions" | "note" | "unsupported">,
) => Promise<Prepared>;

/** Throws Failure. */
export function createPrepare(options: PrepareOptions): Prepare {
  return (request, call) => prepareRequest(options, request, call);
}

type PrepareCall = Parameters<Prepare>[1];

async function prepareRequest(
  options: PrepareOptions,
  whole: ChatRequest,
  call: PrepareCall,
): Promise<Prepared> {
  const { program, installation, mcpServers } = options;
  // The program searches only its own tools.
  const asked = withLoadedTools(whole);
  const tenant = call.tenant === null ? null : options.tenantOf(call.tenant);
  const reported = await modelsFor(asked, options);
  const model = modelFor(call.model, options, reported);
  const known = reportedModel(model, reported);
  const levels = known?.efforts ?? null;
  const thinkingModes = thinkingModesOf(known, model, options);
  const effort = effortFor(asked, call, { preset: program.effort, levels, ...thinkingModes });
  const names = chooseServers(call.requestOptions.mcpServers, mcpServers, tenant?.mcpServers ?? null);

  const serverTools = narrowTools(program.tools, tenant?.tools);
  const place = await installation.workspaceOf(call.tenant, tenant);
  // The plugin of a tenant is made from its own folder only; requests without a tenant have none.
  const plugin = call.tenant === null ? null : await options.skills.of(call.tenant, place.account);
  const workspace = plugin === null ? place : withPlugin(place, plugin.path);

  const { request: profiled, restore } = withProfile(asked, program.openclaw, call.note);
  const prompted = await withSkillPrompt(profiled, options, {
    mode: options.promptMode,
    tenant: call.tenant,
    container: tenant?.container ?? null,
    tools: serverTools,
    clientTools: asked.tools,
  });
  const listed = plugin === null ? prompted : withPrompt(prompted, plugin.list);
  // An explicit effort overrides "none" of the request; otherwise the request keeps its own value, because the operator's
  // effort must not look like a client that wants to see thinking.
  const isTakenBack = asked.effort === "none" && call.requestOptions.effort !== null;
  // The process is started with the operator's effort for all requests, so it need not be set again.
  const launchedEffort = presetEffort(program.effort, levels);
  const order = orderOf(options, workspace, { model, serverTools, names, effort: launchedEffort });
  const { launch, mcp } = order;
  return {
    request: { ...listed, model, effort: isTakenBack ? null : asked.effort },
    order,
    key: sha256Hex(JSON.stringify([call.tenant, launch, await installation.stamp()])),
    runsTools: serverTools !== "none" || mcp !== null || plugin !== null,
    ownTools: ownTools({ serverTools, hasSkills: plugin !== null, hasServers: mcp !== null }),
    ...thinkingModes,
    startsWithoutThinking: false,
    launchedEffort,
    effort,
    showsThinking: program.showsThinking,
    restore,
    warmKey: mcp === null ? { tenant: call.tenant, model } : null,
  };
}

function effortFor(
  asked: ChatRequest,
  call: PrepareCall,
  known: Pick<EffortQuery, "preset" | "levels"> & { readonly alwaysThinks: boolean },
): Prepared["effort"] {
  const isLeast =
    known.alwaysThinks && isThinkingOff(asked) && asked.effort === null && known.levels?.length !== 0;
  const { effort, isUnsupported } = resolveEffort({
    requestOptions: call.requestOptions,
    // Thinking that cannot be switched off is kept as short as possible.
    request: isLeast ? { effort: "none" } : asked,
    preset: known.preset,
    levels: known.levels,
  });
  if (isUnsupported) call.unsupported?.("effort");
  return effort;
}

async function withSkillPrompt(
  request: ChatRequest,
  { program, warn }: PrepareOptions,
  question: Omit<Parameters<typeof wantsPrompt>[0], "skillFile"> & { readonly container: string | null },
): Promise<ChatRequest> {
  const { skillFile } = program;
  if (!wantsPrompt({ ...question, skillFile })) return request;
  const { tenant, container } = question;
  return withPrompt(request, await skillPrompt({ tenant, container }, skillFile, warn));
}

function orderOf(
  { mcpFiles, mcpServers, environment, gatewayId }: PrepareOptions,
  workspace: Workspace,
  chosen: {
    readonly model: string;
    readonly serverTools: ServerTools;
    /** Of MCP servers. */
    readonly names: readonly string[];
    readonly effort: string | null;
  },
): ProcessOrder {
  const { names, ...settings } = chosen;
  const mcp = names.length === 0 ? null : mcpFiles.plan(names, mcpServers, workspace.account);
  const areElsewhere = names.every((name) => "url" in (mcpServers[name] ?? {}));
  const launch = launchOf({
    ...settings,
    workspace: mcp === null ? workspace : withMcp(workspace, mcp),
    thinking: "default",
    environment,
    gatewayId,
    mcp: mcp === null ? null : { configPath: mcp.path, servers: mcp.servers, areElsewhere },
  });
  return { launch, mcp };
}

/** Only a request that the model might have to refuse waits for the list. */
async function modelsFor(asked: ChatRequest, options: PrepareOptions): Promise<readonly CliModel[]> {
  const known = options.models();
  const choice = asked.toolChoice?.type;
  const isDelicate = isThinkingOff(asked) || choice === "required" || choice === "tool";
  if (known.length > 0 || !isDelicate) return known;
  await options.refreshModels();
  return options.models();
}

/**
 * From the program or from Anthropic's documentation: older versions do not report which models always think, newer ones not for
 * every name.
 */
function thinkingModesOf(
  known: CliModel | null,
  model: string,
  { takesOf }: PrepareOptions,
): { readonly alwaysThinks: boolean; readonly adaptsThinking: boolean } {
  const takes = takesOf(known?.resolved ?? model);
  return {
    alwaysThinks: known?.alwaysThinks === true || takes?.thinkingOff === false,
    adaptsThinking: known === null ? takes?.thinking === "adaptive" : known.adaptsThinking === true,
  };
}

function modelFor(
  asked: string,
  { program, listed }: Pick<PrepareOptions, "program" | "listed">,
  reported: readonly CliModel[],
): string {
  const name = cliName(asked, reported);
  if (name !== null) return name.model;
  if (listed.has(asked) || program.defaultModel === null) return asked;
  return cliName(program.defaultModel, reported)?.model ?? program.defaultModel;
}

function withPlugin(workspace: Workspace, path: string): Workspace {
  return withReadable({ ...workspace, pluginDirs: [...workspace.pluginDirs, path] }, path);
}

function withMcp(workspace: Workspace, { path, servers }: McpPlan): Workspace {
  const { jail, jailServers = {} } = workspace;
  return jail === null
    ? workspace
    : withReadable({ ...workspace, jail: withServers(jail, jailServers, servers) }, path);
}

/** A jail does not show the gateway's folder, except for what is named. */
function withReadable(workspace: Workspace, path: string): Workspace {
  const { jail } = workspace;
  return jail === null ? workspace : { ...workspace, jail: { ...jail, readable: [...jail.readable, path] } };
}
