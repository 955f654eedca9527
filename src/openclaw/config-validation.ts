// OpenClaw's own check of a config: `openclaw config validate`. It must never be called for a config that is not written.

import type { CommandResult } from "../system/process.ts";
import { askInstance, type InstancePrograms } from "./instance-program.ts";
import type { Instance } from "./instances.ts";

export type ValidationResult =
  | { readonly says: "valid" }
  | { readonly says: "invalid"; readonly issues: readonly string[] }
  | { readonly says: "nothing"; readonly why: string };

const validateCommand = ["config", "validate", "--json"] as const;

export async function validate(instance: Instance, programs: InstancePrograms): Promise<ValidationResult> {
  const answer = await askInstance(instance, validateCommand, programs);
  return "why" in answer ? { says: "nothing", why: answer.why } : resultOf(answer.result);
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
