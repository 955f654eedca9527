// Where a gateway keeps its state: the state directory, or memory and a temporary folder where that directory cannot be used.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HealthProblem } from "../../operator/reports/health-report.ts";
import type { Log } from "../../system/log.ts";
import { randomToken } from "../../system/secret.ts";
import {
  type Environment,
  openStateDirectory,
  stateDirectory,
  stateDirectoryFrom,
} from "../../system/state-directory.ts";
import type { ServicesOptions } from "../app-services.ts";
import type { StateDirectoryClaim } from "./state-directory-claim.ts";

export type StateLocation = Pick<ServicesOptions, "stateDirectory" | "temporaryDirectory"> & {
  /** Why state is kept in memory, if it is. */
  readonly problems: readonly HealthProblem[];
};

export async function openStateLocation(environment: Environment, log: Log): Promise<StateLocation> {
  const problems: HealthProblem[] = [];
  try {
    return { stateDirectory: await openStateDirectory(environment), problems };
  } catch (error) {
    const from = stateDirectoryFrom(environment);
    const place = `${stateDirectory(environment)} (from ${from})`;
    problems.push({
      id: "state.directory",
      message: `state is kept in memory: ${place}: ${errorText(error)}`,
    });
    log.warn(
      "the state directory cannot be used: state is kept in memory and ends with this process. Commands do not find this gateway, and its write routes need auth.admin_key. Set CLAWGATE_STATE_DIR to a folder of your own that can be written to",
      { path: stateDirectory(environment), from, detail: errorText(error) },
    );
  }
  const prefix = join(tmpdir(), "clawgate-state-");
  const temporaryDirectory = await mkdtemp(prefix).catch((error: unknown) => {
    log.warn("a folder for programs could not be created either", {
      path: prefix,
      detail: errorText(error),
    });
    return `${prefix}${randomToken().slice(0, 12)}`;
  });
  return { temporaryDirectory, problems };
}

/** To be called last: the claim keeps other gateways out until then. */
export async function releaseStateLocation(
  { temporaryDirectory }: StateLocation,
  claim: StateDirectoryClaim,
): Promise<void> {
  if (temporaryDirectory !== undefined) await rm(temporaryDirectory, { recursive: true, force: true });
  await claim.release();
}

export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
