// Carries out a plan for instances: writes every file with a backup, lets OpenClaw check it, and restores what OpenClaw refuses. It
// must never write anything that is not in the plan.

import { join } from "node:path";
import { applyChanges, type FileChange, labelOfFile, putBack } from "../openclaw/applied-changes.ts";
import { FileProblem } from "../openclaw/file-access.ts";
import { validate } from "../openclaw/config-validation.ts";
import { openStateDirectory } from "../system/state-directory.ts";
import type { CommandContext } from "./command.ts";
import { placesOf } from "./instance-search.ts";
import { programsOf } from "./instance-programs.ts";
import type { PlannedInstance } from "./setup-instance.ts";

export type Outcome = PlannedInstance & { readonly verdict: string; readonly isWell: boolean };

/** Where the old contents are kept while they are needed. Throws FileProblem. */
export async function setupFolder(context: Pick<CommandContext, "environment">): Promise<string> {
  try {
    return join(await openStateDirectory(context.environment), "setup");
  } catch (error) {
    throw new FileProblem(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** `done`: the result, in a word. The config is written first: an instance with a key that the gateway does not know yet is refused. Throws an Error. */
export async function writeInstances(
  context: CommandContext,
  configs: readonly FileChange[],
  planned: readonly PlannedInstance[],
  done = "set up",
): Promise<readonly Outcome[]> {
  const changes = [...configs, ...planned.flatMap((each) => each.changes)];
  const id = `${new Date().toISOString().replaceAll(/[:.]/g, "-")}-${process.pid}`;
  if (changes.length > 0)
    await applyChanges({ changes, folder: await setupFolder(context), id, accessFor: placesOf(context) });
  const outcomes: Outcome[] = [];
  for (const each of planned) outcomes.push(await judged(context, each, done));
  return outcomes;
}

/** Lets OpenClaw check the files; rejected ones are restored immediately. */
async function judged(context: CommandContext, planned: PlannedInstance, done: string): Promise<Outcome> {
  if (planned.leftOut !== null) return { ...planned, isWell: false, verdict: `left out: ${planned.leftOut}` };
  if (planned.changes.length === 0) return { ...planned, isWell: true, verdict: "nothing to change" };
  const verdict = await validate(planned.instance, programsOf(context));
  if (verdict.says === "valid")
    return { ...planned, isWell: true, verdict: `${done}; OpenClaw accepts its config` };
  if (verdict.says === "nothing")
    return { ...planned, isWell: true, verdict: `${done}; OpenClaw was not asked: ${verdict.why}` };
  const placeOf = placesOf(context);
  const kept = new Set<string>();
  for (const change of planned.changes) {
    // A file that cannot be read now was changed as well.
    const isBack = await putBack(change, placeOf).catch(() => false);
    if (!isBack) kept.add(labelOfFile(change));
  }
  const back =
    kept.size === 0
      ? "put back as it was"
      : `not restored because it changed in the meantime: ${[...kept].join(", ")}`;
  return { ...planned, isWell: false, verdict: `${back}; OpenClaw says: ${verdict.issues.join("; ")}` };
}
