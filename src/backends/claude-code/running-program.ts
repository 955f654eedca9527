// One claude-cli provider while it runs: its processes, its models, its files. A reload changes how requests are prepared; only
// what the processes themselves depend on leads to a new set of them.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../canon/failure.ts";
import { emptyRequest } from "../../canon/request.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import { availableMemoryMb } from "../../system/memory.ts";
import type { GatewayRun } from "../agent-process/gateway-run.ts";
import type { GuardedPath } from "../agent-process/jail/path-policy.ts";
import { childrenThatFit } from "../agent-process/memory-budget.ts";
import { createProgramStatus, type ProgramStatus } from "../agent-process/program-status.ts";
import { createRecentKeys, type RecentKeys } from "../agent-process/recent-keys.ts";
import { keysToWarm } from "../agent-process/warm-keys.ts";
import { noRequestOptions } from "../backend.ts";
import { createClaudeCodeBackend, type ClaudeCodeBackend } from "./backend.ts";
import { absolutePath, createInstallation, type Installation } from "./installation.ts";
import { launchOf } from "./launch.ts";
import { createMcpFiles, type McpFiles } from "./mcp-servers.ts";
import { askModels } from "./models/ask-models.ts";
import { createModelList, type ModelList } from "./models/model-list.ts";
import { createPrepare, type Prepare, type PreparedTenant } from "./prepare.ts";
import { ProgramChildren } from "./program-children.ts";
import { processMb } from "./program-facts.ts";
import type { CliProvider } from "./provider-settings.ts";
import type { McpServers } from "./settings.ts";
import { createSkillPlugins, type SkillPlugins } from "./skills/skill-plugins.ts";
import type { PromptMode } from "./skills/skill-prompt.ts";

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
  /** Stores what was learned about a program beyond this process. */
  readonly state: ProgramMemory;
};

export type RunningProgram = {
  readonly models: ModelList;
  /** The events are for the client: names are mapped back. */
  generate: ClaudeCodeBackend["generate"];
  readonly continues: ClaudeCodeBackend["continues"];
  readonly counts: ClaudeCodeBackend["counts"];
  /** Future requests are prepared with this plan. */
  follow(plan: ProgramPlan): void;
  /** Why the program cannot be started, as far as is known now; null: no reason is known. Waits for no program. */
  problem(): Promise<string | null>;
  checkJail(): Promise<void>;
  /** Starts processes for the requests that will probably come first. Never rejects. */
  warmUp(): Promise<void>;
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

/** Equal keys: the same processes serve. */
export function processKey({ provider: { program, timeout } }: ProgramPlan): unknown {
  return [program.bin, program.warm, program.parked, program.jail, timeout.total_s];
}

export function startProgram(
  id: string,
  first: ProgramPlan,
  services: ProgramServices,
  onProblemChange: () => void,
): RunningProgram {
  return new Program(id, first, services, onProblemChange);
}

const maxWarnings = 1_000;

class Program implements RunningProgram {
  readonly models: ModelList;
  private plan: ProgramPlan;
  private installation: Installation;
  private prepare: Prepare;
  private hasWarmed = false;
  private readonly backend: ClaudeCodeBackend;
  private readonly children: ProgramChildren;
  private readonly folder: string;
  private readonly mcpFiles: McpFiles;
  private readonly skills: SkillPlugins;
  private readonly status: ProgramStatus;
  private readonly recentKeys: RecentKeys;
  private readonly warned = new Set<string>();

  constructor(
    private readonly id: string,
    private readonly first: ProgramPlan,
    private readonly services: ProgramServices,
    onProblemChange: () => void,
  ) {
    const { clock, run, redact, state } = services;
    this.plan = first;
    // Only for this set of processes: another set of the same provider removes its own files later.
    this.folder = join(run.folder, `${id}-${crypto.randomUUID().slice(0, 8)}`);
    const warn = this.warn.bind(this);
    this.mcpFiles = createMcpFiles({
      directory: join(this.folder, "mcp"),
      sharedFolder: run.sharedFolder,
      warn,
    });
    this.skills = createSkillPlugins({
      skillsDirectory: () => this.plan.skillsDirectory,
      pluginsDirectory: join(this.folder, "plugins"),
      sharedFolder: run.sharedFolder,
      warn,
    });
    this.status = createProgramStatus({ clock, onNews: onProblemChange });
    this.recentKeys = createRecentKeys({
      get: () => state.get("cli-likely", id),
      set: (value) => state.set("cli-likely", id, value, null),
    });
    this.children = new ProgramChildren({
      clock,
      redact,
      run,
      mcpFiles: this.mcpFiles,
      status: this.status,
      installation: () => this.installation,
      onModels: (answer, stamp, model) => this.models.learn(answer, stamp, model),
    });
    this.models = createModelList({
      stamp: () => this.installation.stamp(),
      ask: () => this.askModels(),
      store: {
        get: () => state.get("cli-models", id),
        set: (value) => state.set("cli-models", id, value, null),
      },
      nowMs: clock.monotonicMs,
      warn,
    });
    this.installation = this.installationOf(first);
    this.prepare = this.prepareOf(first);
    void this.models.recall();
    this.backend = this.createBackend();
  }

  follow(next: ProgramPlan): void {
    this.plan = next;
    this.installation = this.installationOf(next);
    this.prepare = this.prepareOf(next);
  }

  generate(
    ...[request, call]: Parameters<ClaudeCodeBackend["generate"]>
  ): ReturnType<ClaudeCodeBackend["generate"]> {
    return this.backend.generate(request, call);
  }

  continues(...[request, call]: Parameters<ClaudeCodeBackend["continues"]>): Promise<boolean> {
    return this.backend.continues(request, call);
  }

  counts(): ReturnType<ClaudeCodeBackend["counts"]> {
    return this.backend.counts();
  }

  problem(): Promise<string | null> {
    const { environment, provider } = this.plan;
    const { bin } = provider.program;
    if (this.hasWarmed && this.status.mayRetry()) void this.warmUp();
    return this.status.problem({
      bin: bin.includes("/") ? absolutePath(bin, environment) : bin,
      environment,
    });
  }

  async checkJail(): Promise<void> {
    await this.installation.checkUsers(this.plan.tenants);
    await this.installation.checkJail(this.plan.tenants);
  }

  async warmUp(): Promise<void> {
    const { log } = this.services;
    const { id } = this;
    this.hasWarmed = true;
    try {
      for (const { tenant, model } of await keysToWarm(
        this.recentKeys,
        this.plan,
        this.first.provider.program.warm,
      ))
        this.backend.prime(
          await this.prepare(emptyRequest, { model, tenant, requestOptions: noRequestOptions }),
        );
    } catch (error) {
      if (!(error instanceof Failure))
        log.warn("no warm Claude Code process could be started", { provider: id, error });
      // The program's failure has already been reported.
      else if ((await this.problem()) === null)
        log.warn(`provider ${id}: ${error.message} clawgate doctor says more.`, { provider: id });
    }
  }

  async stop(): Promise<void> {
    await this.recentKeys.save();
    await this.backend.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private createBackend(): ClaudeCodeBackend {
    const { clock, log } = this.services;
    const { id, first } = this;
    const { warm, parked } = first.provider.program;
    return createClaudeCodeBackend({
      provider: id,
      clock,
      prepare: (request, call) => this.prepare(request, call),
      startChild: (order) => this.children.start(order),
      childrenThatFit: () =>
        childrenThatFit(processMb, async () => (await availableMemoryMb()) - warm.minFreeMb),
      warm,
      parked,
      timeoutMs: first.provider.timeout.total_s * 1000,
      targetFacts: (model) => this.plan.targetFacts(model),
      onTrouble: (error) => this.warn("Claude Code failed while idle", error),
      onStarted: ({ warmKey }) => {
        if (warmKey !== null) this.recentKeys.note(warmKey);
      },
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
  }

  private async askModels(): ReturnType<typeof askModels> {
    const { run, clock } = this.services;
    const launch = launchOf({
      workspace: await this.installation.workspaceOf(null, null),
      model: "default",
      thinking: "default",
      serverTools: "none",
      environment: this.plan.environment,
      gatewayId: run.gatewayId,
    });
    return askModels(await this.children.start({ launch, mcp: null }), clock);
  }

  private installationOf(plan: ProgramPlan): Installation {
    const { run, stateDirectory } = this.services;
    return createInstallation({
      program: plan.provider.program,
      environment: plan.environment,
      stateDirectory,
      guardedPaths: plan.guarded,
      mcpServers: plan.mcpServers,
      jailRuntime: run.jailRuntime,
      neutralFolders: run.neutralFolders,
      warn: this.warn.bind(this),
    });
  }

  private prepareOf(plan: ProgramPlan): Prepare {
    return createPrepare({
      program: plan.provider.program,
      installation: this.installation,
      tenantOf: (name) => plan.tenants.get(name) ?? null,
      models: this.models.known,
      refreshModels: this.models.refresh,
      takesOf: (model) => plan.targetFacts(model).takes ?? null,
      listed: plan.listed,
      mcpServers: plan.mcpServers,
      mcpFiles: this.mcpFiles,
      environment: plan.environment,
      gatewayId: this.services.run.gatewayId,
      skills: this.skills,
      promptMode: plan.promptMode,
      warn: (message) => this.warnOnce(message),
    });
  }

  private warn(message: string, error?: unknown): void {
    this.services.log.warn(message, { provider: this.id, error });
  }

  private warnOnce(message: string): void {
    if (this.warned.size >= maxWarnings || this.warned.has(message)) return;
    this.warned.add(message);
    this.warn(message);
  }
}
