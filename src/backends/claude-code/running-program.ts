// One claude-cli provider while it lives: its processes, its models, its files. A reload changes how requests are prepared;
// only what the processes themselves depend on makes a new set of them.

import { Failure } from "../../canon/failure.ts";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createClaudeCodeBackend, type ClaudeCodeBackend } from "./backend.ts";
import { askModels } from "./models/ask-models.ts";
import { type AgentProcess, startAgentProcess } from "../agent-process/child-process.ts";
import { absolutePath, createInstallation, type Installation } from "./installation.ts";
import type { GuardedPath } from "../agent-process/jail/path-policy.ts";
import type { Launch } from "./launch.ts";
import { launchOf } from "./launch.ts";
import { createRecentKeys, type WarmKey } from "../agent-process/recent-keys.ts";
import { createMcpFiles, type McpPlan } from "./mcp-servers.ts";
import { childrenThatFit } from "../agent-process/memory-budget.ts";
import { createModelList, type ModelList } from "./models/model-list.ts";
import { createPrepare, type Prepare, type Preparation, type PreparedTenant } from "./prepare.ts";
import type { CliProvider } from "./provider-settings.ts";
import type { McpServers } from "./settings.ts";
import type { PromptMode } from "./skills/skill-prompt.ts";
import type { ChildRegister } from "../agent-process/child-register.ts";
import { createSkillPlugins } from "./skills/skill-plugins.ts";
import { createProgramStatus } from "../agent-process/program-status.ts";
import { type Call, noRequestOptions } from "../backend.ts";
import type { StreamEvent } from "../../canon/event.ts";
import { emptyRequest } from "../../canon/request.ts";
import { readControlResponse } from "../../dialects/claude-code/protocol-lines.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import { errorCode } from "../../system/files.ts";
import { availableMemoryMb } from "../../system/memory.ts";
import type { GatewayRun } from "../agent-process/gateway-run.ts";
import { keysToWarm } from "../agent-process/warm-keys.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What one config says of the provider. */
export type ProgramPlan = {
  readonly provider: CliProvider;
  readonly environment: Environment;
  readonly listed: ReadonlySet<string>;
  /** For requests that name no model. */
  readonly model: string;
  readonly mcpServers: McpServers;
  readonly tenants: ReadonlyMap<string, PreparedTenant>;
  readonly skillsDirectory: string | null;
  readonly promptMode: PromptMode;
  readonly guarded: readonly GuardedPath[];
  readonly targetFacts: (model: string) => TargetFacts;
};

/** A store of values by namespace and key, such as state/state-store.ts. */
export type ProgramMemory = {
  get(namespace: string, key: string): Promise<unknown>;
  set(namespace: string, key: string, value: unknown, expiresAtMs: number | null): Promise<void>;
};

export type ProgramServices = {
  readonly clock: Clock;
  readonly log: Log;
  readonly redact: (text: string) => string;
  readonly run: GatewayRun;
  readonly stateDirectory: string;
  /** Keeps what was learned of a program beyond this process. */
  readonly state: ProgramMemory;
};

export type RunningProgram = {
  readonly models: ModelList;
  /** The events are the client's: names are mapped back. */
  generate: ClaudeCodeBackend["generate"];
  readonly continues: ClaudeCodeBackend["continues"];
  readonly counts: ClaudeCodeBackend["counts"];
  /** Requests that come from now on are prepared by this plan. */
  follow(plan: ProgramPlan): void;
  /** Why it cannot be started, as far as is known now; null: nothing speaks against it. Waits for no program. */
  problem(): Promise<string | null>;
  checkJail(): Promise<void>;
  /** Starts processes for whoever will probably ask first. Never rejects. */
  warmUp(): Promise<void>;
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

/** Equal: the same processes serve. */
export function processKey({ provider: { program, timeout } }: ProgramPlan): unknown {
  return [program.bin, program.warm, program.parked, program.jail, timeout.total_s];
}

export function startProgram(
  id: string,
  first: ProgramPlan,
  services: ProgramServices,
  onProblemChange: () => void,
): RunningProgram {
  const { clock, log, run } = services;
  const { warm, parked } = first.provider.program;
  const warn = (message: string, error?: unknown): void => log.warn(message, { provider: id, error });
  const warned = new Set<string>();
  const warnOnce = (message: string): void => {
    if (warned.size >= 1_000 || warned.has(message)) return;
    warned.add(message);
    warn(message);
  };
  // Of this set of processes alone: another one of the same provider takes its own files away at its own time.
  const folder = join(run.folder, `${id}-${crypto.randomUUID().slice(0, 8)}`);
  const mcpFiles = createMcpFiles({ directory: join(folder, "mcp"), sharedFolder: run.open, warn });
  const skills = createSkillPlugins({
    skillsDirectory: () => plan.skillsDirectory,
    pluginsDirectory: join(folder, "plugins"),
    sharedFolder: run.open,
    warn,
  });
  const programStatus = createProgramStatus({ clock, onNews: onProblemChange });
  const plans = new WeakMap<Launch, McpPlan>();
  const restorers = new WeakMap<Call, { restore: Preparation["restore"]; warmKey: WarmKey | null }>();
  const recentKeys = createRecentKeys({
    get: () => services.state.get("cli-likely", id),
    set: (value) => services.state.set("cli-likely", id, value, null),
  });
  let plan = first;
  let prepare: Prepare;
  let installation: Installation;

  const startLaunched = async (
    launch: Launch,
    register: ChildRegister,
    stamp: string | null,
  ): Promise<AgentProcess> => {
    try {
      return await startAgentProcess(launch, {
        register,
        redact: services.redact,
        jailRuntime: run.room,
        clock,
      });
    } catch (thrown) {
      const { cause } = thrown instanceof Failure ? thrown : {};
      if (
        stamp !== null &&
        launch.jail === null &&
        cause instanceof Error &&
        isOfFile.test(errorCode(cause) ?? "")
      )
        programStatus.failed(stamp, `${launch.bin} cannot be started: ${cause.message}`);
      throw thrown;
    }
  };
  /** A jail has a folder of its own in that place. */
  const withExistingFolder = async (launch: Launch): Promise<Launch> => {
    const cwd = (await run.neutral.renew(launch.cwd)) ?? launch.elsewhere ?? launch.cwd;
    return cwd === launch.cwd ? launch : { ...launch, cwd };
  };
  const startChild = async (launch: Launch): Promise<AgentProcess> => {
    const mcp = plans.get(launch);
    const release = mcp === undefined ? null : await mcpFiles.hold(mcp);
    try {
      const register = await run.register();
      const placed = launch.jail === null ? await withExistingFolder(launch) : launch;
      const stamp = await installation.stamp();
      const child = await startLaunched(placed, register, stamp);
      if (release !== null) void child.exited.then(release);
      return stamp === null
        ? child
        : observeChild(child, {
            onModels(answer) {
              programStatus.worked(stamp);
              models.learn(answer, stamp, launch.model ?? "default");
            },
            onEarlyEnd: (why) => programStatus.failed(stamp, `${launch.bin} ${why}`),
          });
    } catch (thrown) {
      await release?.();
      throw thrown;
    }
  };

  const models = createModelList({
    stamp: () => installation.stamp(),
    async ask() {
      const workspace = await installation.workspaceOf(null, null);
      const launch = launchOf({
        workspace,
        model: "default",
        thinking: "default",
        serverTools: "none",
        environment: plan.environment,
        gatewayId: run.gatewayId,
      });
      return askModels(await startChild(launch), clock);
    },
    store: {
      get: () => services.state.get("cli-models", id),
      set: (value) => services.state.set("cli-models", id, value, null),
    },
    nowMs: clock.monotonicMs,
    warn,
  });

  const follow = (next: ProgramPlan): void => {
    const { program } = next.provider;
    plan = next;
    installation = createInstallation({
      program,
      environment: next.environment,
      stateDirectory: services.stateDirectory,
      guardedPaths: next.guarded,
      mcpServers: next.mcpServers,
      jailRuntime: run.room,
      neutralFolders: run.neutral,
      warn,
    });
    prepare = createPrepare({
      program,
      installation,
      tenantOf: (name) => next.tenants.get(name) ?? null,
      models: models.known,
      refreshModels: models.refresh,
      takesOf: (model) => next.targetFacts(model).takes ?? null,
      listed: next.listed,
      mcpServers: next.mcpServers,
      mcpFiles,
      environment: next.environment,
      gatewayId: run.gatewayId,
      skills,
      promptMode: next.promptMode,
      warn: warnOnce,
    });
  };
  follow(first);
  void models.recall();

  const backend = createClaudeCodeBackend({
    provider: id,
    clock,
    async prepare(request, call) {
      const { prepared, mcp, restore } = await prepare(request, call);
      if (mcp !== null) plans.set(prepared.launch, mcp);
      const key = { tenant: call.tenant, model: prepared.request.model };
      restorers.set(call, { restore, warmKey: mcp === null ? key : null });
      return prepared;
    },
    startChild,
    childrenThatFit: () => childrenThatFit(async () => (await availableMemoryMb()) - warm.minFreeMb),
    warm,
    parked,
    timeoutMs: first.provider.timeout.total_s * 1000,
    targetFacts: (model) => plan.targetFacts(model),
    onTrouble: (error) => warn("Claude Code made trouble while nobody waited for it", error),
    onChoice(call, what) {
      if (log.shows("debug"))
        log.debug("Claude Code process", {
          request: call.requestId,
          tenant: call.tenant,
          provider: id,
          what,
        });
    },
  });

  let hasWarmed = false;
  const problem = (): Promise<string | null> => {
    const { environment, provider } = plan;
    const { bin } = provider.program;
    if (hasWarmed && programStatus.mayRetry()) void warmUp();
    return programStatus.problem({
      bin: bin.includes("/") ? absolutePath(bin, environment) : bin,
      environment,
    });
  };
  const warmUp = async (): Promise<void> => {
    hasWarmed = true;
    try {
      for (const { tenant, model } of await keysToWarm(recentKeys, plan, warm))
        backend.prime(
          (await prepare(emptyRequest, { model, tenant, requestOptions: noRequestOptions })).prepared,
        );
    } catch (error) {
      if (!(error instanceof Failure))
        log.warn("no Claude Code process was started ahead", { provider: id, error });
      // That it is down has been said.
      else if ((await problem()) === null)
        log.warn(`provider ${id}: ${error.message} clawgate doctor says more.`, { provider: id });
    }
  };

  return {
    models,
    async *generate(request, call) {
      let isNoted = false;
      for await (const batch of backend.generate(request, call)) {
        const known = restorers.get(call);
        if (!isNoted && batch.some(({ type }) => type === "start")) {
          isNoted = true;
          if (known !== undefined && known.warmKey !== null) recentKeys.note(known.warmKey);
        }
        yield known === undefined ? batch : batch.map((event: StreamEvent) => known.restore(event));
      }
    },
    continues: backend.continues,
    counts: backend.counts,
    follow,
    problem,
    async checkJail() {
      await installation.checkUsers(plan.tenants);
      await installation.checkJail(plan.tenants);
    },
    warmUp,
    async stop() {
      await recentKeys.save();
      await backend.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the system says of a program that it cannot run. */
const isOfFile = /^(?:ENOENT|EACCES|ENOEXEC|EPERM)$/;
const longestWords = 160;

/**
 * Every process that is taken answers to `initialize`, and names the models: what it says to another is heard for free. One that
 * ends by itself before it has said anything cannot be started; what a signal ended (a shell adds 128) may have been in somebody's way.
 */
function observeChild(
  child: AgentProcess,
  listener: { onModels(answer: unknown): void; onEarlyEnd(why: string): void },
): AgentProcess {
  let isKnown = false;
  let hasSpoken = false;
  let isStopped = false;
  void child.exited.then(({ code }) => {
    if (hasSpoken || isStopped || code === null || code > 128) return;
    const [said = ""] = child.stderr().trim().split("\n");
    listener.onEarlyEnd(
      `ends with exit code ${code}${said === "" ? "" : `: ${said.slice(0, longestWords)}`}`,
    );
  });
  return {
    ...child,
    async next() {
      const line = await child.next();
      hasSpoken ||= line !== null;
      const answer = isKnown || line === null ? null : readControlResponse(line);
      if (answer !== null && "models" in answer.response) {
        isKnown = true;
        listener.onModels(answer.response);
      }
      return line;
    },
    stop(how) {
      isStopped = true;
      return child.stop(how);
    },
  };
}
