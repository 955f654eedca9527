// What `init` is going to write: the config and the variables next to it, from what was found and what was answered.
// Nothing is written here: whoever leaves the dialogue leaves nothing behind.

import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { loadOffline, type OfflineInput, withFileText } from "../../app/offline/offline-config.ts";
import { commentedConfig } from "../../config/commented-config.ts";
import { setInDotEnv } from "../../openclaw/dot-env.ts";
import { ensurePrivateDirectory, readTextIfExists, replaceFile } from "../../system/files.ts";
import type { CommandContext } from "../command.ts";
import { offlineInput } from "../config-input.ts";
import { cannotWrite, type Place } from "../new-config.ts";
import { type FoundProvider, withVariables } from "./findings.ts";

export type Plan = {
  readonly place: Place;
  readonly providers: readonly FoundProvider[];
  readonly port: number;
  /** For `.env`: what was typed, and what the person wants to keep there. */
  readonly variables: Readonly<Record<string, string>>;
};

export function configText({ place, providers, port }: Plan): string {
  const joining = providers.filter((each) => each.joinsChain);
  return commentedConfig({
    head: [
      "ClawGate's config, written by `clawgate init`. A change is active as soon as this file is saved.",
      "Every key: `clawgate help configuration`. What is wrong with it: `clawgate doctor`.",
      `Keys stay out of it: they are in the environment, or in ${basename(place.environmentPath)} next to this file.`,
    ],
    port,
    providers,
    chain: (joining.length === 0 ? providers : joining).map(({ id }) => id),
  });
}

/** The config as `serve` would read it here once it is written, with the variables that go into `.env`. */
export function inputFor(context: CommandContext, plan: Plan): OfflineInput {
  const input = offlineInput(withVariables(context, plan.variables), plan.place.path);
  return withFileText(input, plan.place.path, configText(plan));
}

/** A config that a start would refuse is never written. Throws ConfigProblem. */
export async function checkPlan(context: CommandContext, plan: Plan): Promise<void> {
  await loadOffline(inputFor(context, plan));
}

/** What was written, and where an earlier one went. */
export type Written = {
  readonly config: string;
  readonly kept: string | null;
  readonly environment: string | null;
};

const ignoreSignal = (): void => undefined;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Keys first: the config refers to them. Throws an Error with the system's reason. */
export async function writePlan(plan: Plan): Promise<Written> {
  const { path, environmentPath, exists } = plan.place;
  const hasVariables = Object.keys(plan.variables).length > 0;
  // Half of it would be worse than none.
  for (const signal of signals) process.on(signal, ignoreSignal);
  try {
    if (!existsSync(dirname(path))) await ensurePrivateDirectory(dirname(path));
    if (hasVariables) {
      const before = (await readTextIfExists(environmentPath)) ?? "";
      await replaceFile(environmentPath, setInDotEnv(before, plan.variables), { mode: 0o600, keepOld: true });
    }
    await replaceFile(path, configText(plan), { mode: 0o600, keepOld: true });
  } catch (thrown) {
    throw cannotWrite(path, thrown);
  } finally {
    for (const signal of signals) process.off(signal, ignoreSignal);
  }
  return {
    config: path,
    kept: exists ? `${path}.bak` : null,
    environment: hasVariables ? environmentPath : null,
  };
}
