// Runs the OpenClaw of one instance: the program on PATH for a local one, that of the container for one in Docker. As root it must
// never load another user's files as root.

import { dirname } from "node:path";
import type { CommandOptions, CommandResult } from "../system/process.ts";
import { ownerOf } from "./bounded-reads.ts";
import type { RunDocker } from "./docker.ts";
import type { Instance } from "./instances.ts";
import { versionIn, writtenVersion } from "./version.ts";
import { Json5Problem, readJson5 } from "./json5-text.ts";

/** Runs `openclaw <args>` with these variables over the inherited ones, and as this user if one is named. */
export type RunOpenclaw = (
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  user: CommandOptions["user"],
) => Promise<Pick<CommandResult, "code" | "stdout" | "stderr" | "timedOut">>;

/** How the programs are run; null: there is none on PATH. */
export type InstancePrograms = { readonly openclaw: RunOpenclaw | null; readonly docker: RunDocker | null };

export type ProgramAnswer =
  { readonly result: Pick<CommandResult, "code" | "stdout" | "stderr"> } | { readonly why: string };

/** `why`: half a sentence for a person. Never rejects. */
export async function askInstance(
  instance: Instance,
  args: readonly string[],
  { openclaw, docker }: InstancePrograms,
): Promise<ProgramAnswer> {
  try {
    if (instance.kind === "docker") {
      if (docker === null || instance.container === null) return { why: "there is no docker" };
      if (!instance.isRunning) return { why: "the container is not running" };
      return { result: await docker(["exec", instance.container, "node", "dist/index.js", ...args]) };
    }
    if (openclaw === null) return { why: "there is no openclaw on PATH" };
    const { stateDir, configPath } = instance;
    // It loads code from that folder: as root it would run another user's code.
    const owner = process.geteuid?.() === 0 && stateDir !== null ? await ownerOf(stateDir) : null;
    const user = owner === null || owner.uid === 0 ? null : owner;
    const variables = {
      ...(stateDir === null ? {} : { OPENCLAW_STATE_DIR: stateDir }),
      ...(configPath === null ? {} : { OPENCLAW_CONFIG_PATH: configPath }),
      ...(user === null || stateDir === null ? {} : { HOME: dirname(stateDir) }),
    };
    return { result: await openclaw(args, variables, user) };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** What its program says, else what it wrote into its config; null: unknown. */
export async function instanceVersion(
  instance: Instance,
  config: string,
  programs: InstancePrograms,
): Promise<string | null> {
  const answer = await askInstance(instance, ["--version"], programs);
  const said = "result" in answer && answer.result.code === 0 ? versionIn(answer.result.stdout) : null;
  if (said !== null) return said;
  try {
    return writtenVersion(readJson5(config));
  } catch (error) {
    if (error instanceof Json5Problem) return null;
    throw error;
  }
}
