// OpenClaw's own check of a config: `openclaw config validate`. It must never be called for a config that is not written.

import { dirname } from "node:path";
import type { CommandOptions, CommandResult } from "../system/process.ts";
import type { RunDocker } from "./docker.ts";
import type { Instance } from "./instances.ts";
import { ownerOf } from "./bounded-reads.ts";

export type ValidationResult =
  | { readonly says: "valid" }
  | { readonly says: "invalid"; readonly issues: readonly string[] }
  | { readonly says: "nothing"; readonly why: string };

/** Runs `openclaw <args>` with these variables over the inherited ones, and as this user if one is named. */
export type RunOpenclaw = (
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  user: CommandOptions["user"],
) => Promise<Pick<CommandResult, "code" | "stdout" | "stderr" | "timedOut">>;

const validateCommand = ["config", "validate", "--json"] as const;

export async function validate(
  instance: Instance,
  openclaw: RunOpenclaw | null,
  docker: RunDocker | null,
): Promise<ValidationResult> {
  try {
    if (instance.kind === "docker") {
      if (docker === null || instance.container === null)
        return { says: "nothing", why: "there is no docker" };
      if (!instance.isRunning) return { says: "nothing", why: "the container is not running" };
      return resultOf(
        await docker(["exec", instance.container, "node", "dist/index.js", ...validateCommand]),
      );
    }
    if (openclaw === null) return { says: "nothing", why: "there is no openclaw on PATH" };
    const { stateDir, configPath } = instance;
    // It loads code from that folder: as root it would run another user's code.
    const owner = process.geteuid?.() === 0 && stateDir !== null ? await ownerOf(stateDir) : null;
    const user = owner === null || owner.uid === 0 ? null : owner;
    const variables = {
      ...(stateDir === null ? {} : { OPENCLAW_STATE_DIR: stateDir }),
      ...(configPath === null ? {} : { OPENCLAW_CONFIG_PATH: configPath }),
      ...(user === null || stateDir === null ? {} : { HOME: dirname(stateDir) }),
    };
    return resultOf(await openclaw(validateCommand, variables, user));
  } catch (error) {
    return { says: "nothing", why: error instanceof Error ? error.message : String(error) };
  }
}

function resultOf({
  stdout,
  stderr,
  code,
}: Pick<CommandResult, "code" | "stdout" | "stderr">): ValidationResult {
  const start = stdout.indexOf("{");
  let answer: unknown = null;
  try {
    answer = JSON.parse(stdout.slice(Math.max(start, 0)));
  } catch {
    // Text instead of JSON: it failed before it could check the file.
  }
  if (typeof answer !== "object" || answer === null || !("valid" in answer)) {
    const words = (stderr.trim() || stdout.trim()).split("\n")[0] ?? "";
    return { says: "nothing", why: `openclaw returned no result (exit code ${code}) ${words}`.trim() };
  }
  if (answer.valid === true) return { says: "valid" };
  const issues: readonly unknown[] = "issues" in answer && Array.isArray(answer.issues) ? answer.issues : [];
  return {
    says: "invalid",
    issues: issues.map((issue) => {
      const { path, message } = issue as { readonly path?: unknown; readonly message?: unknown };
      return [path, message].filter((part) => typeof part === "string" && part !== "").join(": ");
    }),
  };
}
