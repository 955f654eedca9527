// What `clawgate doctor` says of the program itself: its age, how it was installed, a version that is kept, an update that was broken off.
// It must never ask the network.

import { existsSync } from "node:fs";
import { type Finding, findingsIn } from "../operator/examination/finding.ts";
import { systemClock } from "../system/clock.ts";
import { buildTarget, commitTime } from "../system/identity.ts";
import { type Environment, stateDirectory } from "../system/state-directory.ts";
import { thisInstallation } from "../updates/installation.ts";
import { previousOf } from "../updates/program-swap.ts";
import { unfinishedUpdate } from "../updates/update-journal.ts";

const inProgram = findingsIn("program");
const dayMs = 86_400_000;
const oldDays = 90;

export async function installationFindings(environment: Environment): Promise<readonly Finding[]> {
  const { program, description, updatedBy } = thisInstallation(environment);
  const built = buildTarget === null ? "" : `, built for ${buildTarget}`;
  const installed = inProgram("ok", "installation", `installed ${description}${built}`, program);
  const previous = previousOf(program);
  const kept = existsSync(previous)
    ? [
        inProgram(
          "ok",
          "previous",
          "a previous version is kept",
          previous,
          "clawgate update --rollback puts it back",
        ),
      ]
    : [];
  return [
    installed,
    ...ageFindings(commitTime, systemClock.nowMs(), updatedBy ?? "clawgate update"),
    ...kept,
    ...(await unfinishedFindings(environment)),
  ];
}

/** Empty where the time of the commit is not known. */
function ageFindings(time: string | null, nowMs: number, updatedBy: string): readonly Finding[] {
  if (time === null) return [];
  const days = Math.max(0, Math.floor((nowMs - Date.parse(time)) / dayMs));
  const title = `this version is ${days} ${days === 1 ? "day" : "days"} old`;
  return days > oldDays
    ? [inProgram("warning", "age", title, null, `update it by: ${updatedBy}`)]
    : [inProgram("ok", "age", title)];
}

async function unfinishedFindings(environment: Environment): Promise<readonly Finding[]> {
  try {
    const entry = await unfinishedUpdate(stateDirectory(environment));
    if (entry === null) return [];
    const title = `an update from ${entry.from} to ${entry.to} has not ended (begun ${entry.started_at})`;
    const advice = "if none is running now, clawgate update undoes what it left";
    return [inProgram("warning", "update", title, entry.program, advice)];
  } catch {
    // The state directory's own findings say that it cannot be read.
    return [];
  }
}
