// A request on its way to the program: whose workspace, which model, tools, MCP servers and effort, and the request as the
// model is to see it. Whatever can be refused is refused here, before a process is taken.

import type { StreamEvent } from "../../canon/event.ts";
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
import type { Prepared } from "./prepared.ts";
import { type CliProgram, narrowTools, ownTools } from "./program-settings.ts";
import type { CliKeys, McpServers } from "./settings.ts";
import { type PromptMode, skillPrompt, wantsPrompt, withPrompt } from "./skills/skill-prompt.ts";
import type { SkillPlugins } from "./skills/skill-plugins.ts";
import { presetEffort, resolveEffort } from "./effort-level.ts";
import type { Workspace } from "./workspace.ts";

export type PreparedTenant = CliTenant & {
  readonly tools: CliKeys["tools"];
  /** MCP servers that it may switch on; null: all. */
  readonly mcpServers: readonly string[] | null;
  /** Of its OpenClaw; null or absent: it is not known to be in one. */
  readonly container?: string | null;
};

export type PrepareOptions = {
  readonly program: CliProgram;
  readonly installation: Installation;
  /** Null: no tenant of the config has this name. */
  readonly tenantOf: (name: string) => PreparedTenant | null;
  readonly models: () => readonly CliModel[];
  /** Settles when the program has said its models, or would not. */
  readonly refreshModels: () => Promise<void>;
  /** What is known of a model that the program did not name. */
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

export type Preparation = {
  readonly prepared: Prepared;
  /** The file that the launch names; to be held while its process lives. */
  readonly mcp: McpPlan | null;
  /** The model's events -> the client's. */
  restore(event: StreamEvent): StreamEvent;
};

export type Prepare = (
  request: ChatRequest,
  call: Pick<Call, "model" | "tenant" | "requestOptions" | "note" | "unsupported">,
) => Promise<Preparation>;

/** Throws Failure. */
export function createPrepare(options: PrepareOptions): Prepare {
  const { program, installation, mcpFiles, mcpServers } = options;
  return async (whole, call) => {
    // The program searches for its own tools only.
    const asked = withLoadedTools(whole);
    const tenant = call.tenant === null ? null : options.tenantOf(call.tenant);
    const reported = await modelsFor(asked, options);
    const model = modelFor(call.model, options, reported);
    const known = reportedModel(model, reported);
    const levels = known?.efforts ?? null;
    const thinkingModes = thinkingModesOf(known, model, options);
    const isLeast =
      thinkingModes.alwaysThinks && isThinkingOff(asked) && asked.effort === null && levels?.length !== 0;
    const { effort, isUnsupported } = resolveEffort({
      requestOptions: call.requestOptions,
      // What cannot be switched off is kept as short as it can be.
      request: isLeast ? { effort: "none" } : asked,
      preset: program.effort,
      levels,
    });
    if (isUnsupported) call.unsupported?.("effort");
    const names = chooseServers(call.requestOptions.mcpServers, mcpServers, tenant?.mcpServers ?? null);

    const serverTools = narrowTools(program.tools, tenant?.tools);
    const place = await installation.workspaceOf(call.tenant, tenant);
    // The plugin of a tenant is made from its own folder only; who has no name has none.
    const plugin = call.tenant === null ? null : await options.skills.of(call.tenant, place.account);
    const workspace = plugin === null ? place : withPlugin(place, plugin.path);

    const profiled = withProfile(asked, program.openclaw, call.note);
    const question = {
      mode: options.promptMode,
      tenant: call.tenant,
      tools: serverTools,
      clientTools: asked.tools,
    };
    const prompted = wantsPrompt({ ...question, skillFile: program.skillFile })
      ? withPrompt(
          profiled.request,
          await skillPrompt(
            { tenant: call.tenant, container: tenant?.container ?? null },
            program.skillFile,
            options.warn,
          ),
        )
      : profiled.request;
    const listed = plugin === null ? prompted : withPrompt(prompted, plugin.list);
    // A wish for more effort takes back that nothing is to be thought; else the request keeps its own word, because
    // an effort of the operator's must not look like a client that wants to see thinking.
    const isTakenBack = asked.effort === "none" && call.requestOptions.effort !== null;
    const mcp = names.length === 0 ? null : mcpFiles.plan(names, mcpServers, workspace.account);
    // What the operator wants of every request the process is started with; then it need not be told.
    const launchedEffort = presetEffort(program.effort, levels);
    const areElsewhere = names.every((name) => "url" in (mcpServers[name] ?? {}));
    const launch = launchOf({
      workspace: mcp === null ? workspace : withMcp(workspace, mcp),
      model,
      thinking: "default",
      serverTools,
      environment: options.environment,
      gatewayId: options.gatewayId,
      effort: launchedEffort,
      mcp: mcp === null ? null : { configPath: mcp.path, servers: mcp.servers, areElsewhere },
    });
    return {
      mcp,
      restore: profiled.restore,
      prepared: {
        request: { ...listed, model, effort: isTakenBack ? null : asked.effort },
        launch,
        key: sha256Hex(JSON.stringify([call.tenant, launch, await installation.stamp()])),
        runsTools: serverTools !== "none" || mcp !== null || plugin !== null,
        ownTools: ownTools({ serverTools, hasSkills: plugin !== null, hasServers: mcp !== null }),
        ...thinkingModes,
        startsWithoutThinking: false,
        launchedEffort,
        effort,
        showsThinking: program.showsThinking,
      },
    };
  };
}

/** Nobody waits for the list but a request that its model may have to refuse. */
async function modelsFor(asked: ChatRequest, options: PrepareOptions): Promise<readonly CliModel[]> {
  const known = options.models();
  const choice = asked.toolChoice?.type;
  const isDelicate = isThinkingOff(asked) || choice === "required" || choice === "tool";
  if (known.length > 0 || !isDelicate) return known;
  await options.refreshModels();
  return options.models();
}

/** As the program has it, or its maker: older versions do not say whose thinking cannot be off, newer ones not of every name. */
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

/** In a jail what lies in the gateway's folder is not there, but for what is named. */
function withReadable(workspace: Workspace, path: string): Workspace {
  const { jail } = workspace;
  return jail === null ? workspace : { ...workspace, jail: { ...jail, readable: [...jail.readable, path] } };
}
