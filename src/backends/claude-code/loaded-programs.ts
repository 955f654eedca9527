// The claude-cli providers by id: their processes outlive the config, so that a reload separates no conversation from its
// process. Two sets of processes must never serve one provider for longer than the older one needs to end.

import type { Backend } from "../backend.ts";
import type { ProcessCounts } from "./backend.ts";
import { unsupportedStops } from "../../dialects/claude-code/live-settings.ts";
import { type CliModel } from "./models/cli-models.ts";
import {
  type ProgramServices,
  type ProgramPlan,
  type RunningProgram,
  processKey,
  startProgram,
} from "./running-program.ts";

export type ProgramRegistry = {
  /** Looks up the program of the id with each request. */
  backend(id: string, targetFacts: Backend["targetFacts"]): Backend;
  /** Applies the plan from now on. */
  follow(id: string, plan: ProgramPlan): void;
  /** The models that the program reported; empty until they are known. */
  models(id: string): readonly CliModel[];
  /** Refreshes them in the background. */
  refreshAllModels(): void;
  /** The same, awaitable. */
  refreshedModels(): Promise<void>;
  /** Why each provider's program cannot be started, as far as is known now; null: no reason is known. */
  problems(): Promise<ReadonlyMap<string, string | null>>;
  /** Called when a start changed one of those problems. */
  onProblemChange(listener: () => void): void;
  /** Throws an Error when a required jail cannot be created or is not effective. */
  checkJails(): Promise<void>;
  /** Tells the programs which port the gateway listens on. */
  listensOn(port: number): void;
  /** Starts warm processes in the background, and from now on for every new provider as well. */
  warmUp(): void;
  counts(): ReadonlyMap<string, ProcessCounts>;
  /** Stops the processes of every other provider. */
  keep(ids: ReadonlySet<string>): void;
  /** Removes what dead gateways left. */
  sweep(): Promise<void>;
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

type Entry = { readonly part: unknown; readonly program: RunningProgram };

export function createProgramRegistry(services: ProgramServices): ProgramRegistry {
  const entries = new Map<string, Entry>();
  const ending = new Set<Promise<void>>();
  let isWarm = false;
  let notifyProblemChange = (): void => undefined;

  const end = ({ program }: Entry): void => {
    const ended = program
      .stop()
      .catch((error: unknown) => services.log.error("Claude Code could not be stopped", { error }))
      .finally(() => ending.delete(ended));
    ending.add(ended);
  };
  const programFor = (id: string): RunningProgram => {
    const entry = entries.get(id);
    if (entry === undefined) throw new Error(`no program serves ${id}`);
    return entry.program;
  };

  const refreshedModels = async (): Promise<void> => {
    await Promise.all([...entries.values()].map(({ program }) => program.models.refresh()));
  };

  return {
    backend: (id, targetFacts) => backendOf(id, targetFacts, programFor),
    follow(id, plan) {
      const part = processKey(plan);
      const known = entries.get(id);
      if (known !== undefined && Bun.deepEquals(known.part, part)) {
        known.program.follow(plan);
        return;
      }
      const program = startProgram(id, plan, services, () => notifyProblemChange());
      entries.set(id, { part, program });
      if (isWarm) void program.warmUp();
      if (known !== undefined) end(known);
    },
    models: (id) => entries.get(id)?.program.models.known() ?? [],
    refreshAllModels: () => void refreshedModels(),
    refreshedModels,
    async problems() {
      const each = [...entries].map(async ([id, { program }]) => [id, await program.problem()] as const);
      return new Map(await Promise.all(each));
    },
    onProblemChange(listener) {
      notifyProblemChange = listener;
    },
    async checkJails() {
      for (const { program } of entries.values()) await program.checkJail();
    },
    listensOn: (port) => services.run.listensOn(port),
    warmUp() {
      isWarm = true;
      for (const { program } of entries.values()) void program.warmUp();
    },
    counts: () => new Map([...entries].map(([id, { program }]) => [id, program.counts()])),
    keep(ids) {
      for (const [id, entry] of entries) {
        if (ids.has(id)) continue;
        entries.delete(id);
        end(entry);
      }
    },
    sweep: services.run.sweep,
    async stop() {
      for (const entry of entries.values()) end(entry);
      entries.clear();
      while (ending.size > 0) await Promise.all(ending);
      await services.run.close();
    },
  };
}

function backendOf(
  id: string,
  targetFacts: Backend["targetFacts"],
  programFor: (id: string) => RunningProgram,
): Backend {
  return {
    provider: id,
    dialect: null,
    nativeDialect: "anthropic-messages",
    open: null,
    targetFacts,
    generate: (request, call) => programFor(id).generate(request, call),
    continues: (request, call) => programFor(id).continues(request, call),
    unsupportedStops,
  };
}
