// One claude-cli provider while it lives: its processes, its models, its files. A reload changes how requests are prepared;
// only what the processes themselves depend on makes a new set of them.

import { Failure } from "../canon/failure.ts";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createCliBackend, type CliBackend } from "../backends/cli/backend.ts";
import { askModels } from "../backends/cli/ask-models.ts";
import { type CliChild, startClaude } from "../backends/cli/child.ts";
import { absolutePath, createInstallation, type Installation } from "../backends/cli/installation.ts";
import type { Guarded } from "../backends/cli/jail/guard.ts";
import type { Launch } from "../backends/cli/launch.ts";
import { launchOf } from "../backends/cli/launch.ts";
import { createLikely, type LikelyKey } from "../backends/cli/likely.ts";
import { createMcpFiles, type McpPlan } from "../backends/cli/mcp-servers.ts";
import { childrenThatFit } from "../backends/cli/memory.ts";
import { createModelList, type ModelList } from "../backends/cli/model-list.ts";
import {
  createPrepare,
  type Prepare,
  type Preparation,
  type PreparedTenant,
} from "../backends/cli/prepare.ts";
import type { CliProvider } from "../backends/cli/provider-keys.ts";
import type { McpServers } from "../backends/cli/settings.ts";
import type { PromptMode } from "../backends/cli/skill-prompt.ts";
import type { ChildRegister } from "../backends/cli/sweep.ts";
import { createSkillPlugins } from "../backends/cli/skills.ts";
import { createStartable } from "../backends/cli/startable.ts";
import { type Call, noWishes } from "../backends/backend.ts";
import type { StreamEvent } from "../canon/event.ts";
import { emptyRequest } from "../canon/request.ts";
import { readControlResponse } from "../dialects/claude-cli/lines.ts";
import type { TargetFacts } from "../dialects/dialect.ts";
import type { StateStore } from "../state/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { errorCode } from "../system/files.ts";
import { availableMemoryMb } from "../system/memory.ts";
import type { CliRun } from "./cli-run.ts";
import { keysToWarm } from "./cli-warmth.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What one config says of the provider. */
export type CliPlan = {
  readonly provider: CliProvider;
  readonly environment: Environment;
  readonly listed: ReadonlySet<string>;
  /** For requests that name no model. */
  readonly model: string;
  readonly mcpServers: McpServers;
  readonly tenants: ReadonlyMap<string, PreparedTenant>;
  readonly skillsDirectory: string | null;
  readonly promptMode: PromptMode;
  readonly guarded: readonly Guarded[];
  readonly targetFacts: (model: string) => TargetFacts;
};

export type CliHouse = {
  readonly clock: Clock;
  readonly log: Log;
  readonly redact: (text: string) => string;
  readonly run: CliRun;
  readonly stateDirectory: string;
  readonly state: StateStore;
};

export type LivingProgram = {
  readonly models: ModelList;
  /** The events are the client's: names are mapped back. */
  generate: CliBackend["generate"];
  readonly continues: CliBackend["continues"];
  readonly counts: CliBackend["counts"];
  /** Requests that come from now on are prepared by this plan. */
  follow(plan: CliPlan): void;
  /** Why it cannot be started, as far as is known now; null: nothing speaks against it. Waits for no program. */
  trouble(): Promise<string | null>;
  checkJail(): Promise<void>;
  /** Starts processes for whoever will probably ask first. Never rejects. */
  warmUp(): Promise<void>;
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

/** Equal: the same processes serve. */
export function processPart({ provider: { program, timeout } }: CliPlan): unknown {
  return [program.bin, program.warm, program.parked, program.jail, timeout.total_s];
}

export function startProgram(id: string, first: CliPlan, house: CliHouse, onNews: () => void): LivingProgram {
  const { clock, log, run } = house;
  const { warm, parked } = first.provider.program;
  const warn = (message: string, error?: unknown): void => log.warn(message, { provider: id, error });
  const told = new Set<string>();
  const warnOnce = (message: string): void => {
    if (told.size >= 1_000 || told.has(message)) return;
    told.add(message);
    warn(message);
  };
  // Of this set of processes alone: another one of the same provider takes its own files away at its own time.
  const folder = join(run.folder, `${id}-${crypto.randomUUID().slice(0, 8)}`);
  const mcpFiles = createMcpFiles({ directory: join(folder, "mcp"), open: run.open, warn });
  const skills = createSkillPlugins({
    skillsDirectory: () => plan.skillsDirectory,
    pluginsDirectory: join(folder, "plugins"),
    open: run.open,
    warn,
  });
  const startable = createStartable({ clock, onNews });
  const plans = new WeakMap<Launch, McpPlan>();
  const asked = new WeakMap<Call, { restore: Preparation["restore"]; likely: LikelyKey | null }>();
  const likely = createLikely({
    get: () => house.state.get("cli-likely", id),
    set: (value) => house.state.set("cli-likely", id, value, null),
  });
  let plan = first;
  let prepare: Prepare;
  let installation: Installation;

  const begun = async (launch: Launch, register: ChildRegister, stamp: string | null): Promise<CliChild> => {
    try {
      return await startClaude(launch, { register, redact: house.redact, room: run.room, clock });
    } catch (thrown) {
      const { cause } = thrown instanceof Failure ? thrown : {};
      if (
        stamp !== null &&
        launch.jail === null &&
        cause instanceof Error &&
        isOfFile.test(errorCode(cause) ?? "")
      )
        startable.failed(stamp, `${launch.bin} cannot be started: ${cause.message}`);
      throw thrown;
    }
  };
  /** A jail has a folder of its own in that place. */
  const standing = async (launch: Launch): Promise<Launch> => {
    const cwd = (await run.neutral.renew(launch.cwd)) ?? launch.elsewhere ?? launch.cwd;
    return cwd === launch.cwd ? launch : { ...launch, cwd };
  };
  const startChild = async (launch: Launch): Promise<CliChild> => {
    const mcp = plans.get(launch);
    const release = mcp === undefined ? null : await mcpFiles.hold(mcp);
    try {
      const register = await run.register();
      const placed = launch.jail === null ? await standing(launch) : launch;
      const stamp = await installation.stamp();
      const child = await begun(placed, register, stamp);
      if (release !== null) void child.exited.then(release);
      return stamp === null
        ? child
        : overheard(child, {
            onModels(answer) {
              startable.proved(stamp);
              models.learn(answer, stamp, launch.model ?? "default");
            },
            onEarlyEnd: (why) => startable.failed(stamp, `${launch.bin} ${why}`),
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
      get: () => house.state.get("cli-models", id),
      set: (value) => house.state.set("cli-models", id, value, null),
    },
    nowMs: clock.monotonicMs,
    warn,
  });

  const follow = (next: CliPlan): void => {
    const { program } = next.provider;
    plan = next;
    installation = createInstallation({
      program,
      environment: next.environment,
      stateDirectory: house.stateDirectory,
      guarded: next.guarded,
      mcpServers: next.mcpServers,
      room: run.room,
      neutral: run.neutral,
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

  const backend = createCliBackend({
    provider: id,
    clock,
    async prepare(request, call) {
      const { prepared, mcp, restore } = await prepare(request, call);
      if (mcp !== null) plans.set(prepared.launch, mcp);
      const key = { tenant: call.tenant, model: prepared.request.model };
      asked.set(call, { restore, likely: mcp === null ? key : null });
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
  const trouble = (): Promise<string | null> => {
    const { environment, provider } = plan;
    const { bin } = provider.program;
    if (hasWarmed && startable.mayTryAgain()) void warmUp();
    return startable.trouble({
      bin: bin.includes("/") ? absolutePath(bin, environment) : bin,
      environment,
    });
  };
  const warmUp = async (): Promise<void> => {
    hasWarmed = true;
    try {
      for (const { tenant, model } of await keysToWarm(likely, plan, warm))
        backend.prime((await prepare(emptyRequest, { model, tenant, wishes: noWishes })).prepared);
    } catch (error) {
      if (!(error instanceof Failure))
        log.warn("no Claude Code process was started ahead", { provider: id, error });
      // That it is down has been said.
      else if ((await trouble()) === null)
        log.warn(`provider ${id}: ${error.message} clawgate doctor says more.`, { provider: id });
    }
  };

  return {
    models,
    async *generate(request, call) {
      let isNoted = false;
      for await (const batch of backend.generate(request, call)) {
        const known = asked.get(call);
        if (!isNoted && batch.some(({ type }) => type === "start")) {
          isNoted = true;
          if (known !== undefined && known.likely !== null) likely.note(known.likely);
        }
        yield known === undefined ? batch : batch.map((event: StreamEvent) => known.restore(event));
      }
    },
    continues: backend.continues,
    counts: backend.counts,
    follow,
    trouble,
    async checkJail() {
      await installation.checkUsers(plan.tenants);
      await installation.checkJail(plan.tenants);
    },
    warmUp,
    async stop() {
      await likely.save();
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
function overheard(
  child: CliChild,
  ear: { onModels(answer: unknown): void; onEarlyEnd(why: string): void },
): CliChild {
  let isKnown = false;
  let hasSpoken = false;
  let isStopped = false;
  void child.exited.then(({ code }) => {
    if (hasSpoken || isStopped || code === null || code > 128) return;
    const [said = ""] = child.stderr().trim().split("\n");
    ear.onEarlyEnd(`ends with exit code ${code}${said === "" ? "" : `: ${said.slice(0, longestWords)}`}`);
  });
  return {
    ...child,
    async next() {
      const line = await child.next();
      hasSpoken ||= line !== null;
      const answer = isKnown || line === null ? null : readControlResponse(line);
      if (answer !== null && "models" in answer.response) {
        isKnown = true;
        ear.onModels(answer.response);
      }
      return line;
    },
    stop(how) {
      isStopped = true;
      return child.stop(how);
    },
  };
}
