// The part of set-up that pulls the skills of the instances. It must never push, and never overwrite local changes: those are for
// `clawgate manage skills`.

import { join } from "node:path";
import { type SkillReport, syncSkills } from "../openclaw/skill-sync.ts";
import type { CommandContext } from "./command.ts";
import { dockerForFiles } from "./instance-search.ts";
import type { PlannedInstance } from "./setup-instance.ts";
import { terminalStyle, plain } from "./terminal.ts";

export type PulledSkills = {
  readonly tenant: string;
  readonly report: SkillReport | null;
  /** Why nothing was pulled; null: it was attempted. */
  readonly trouble: string | null;
};

/** `skillsFolder`: the folder of all tenants' skills. Never rejects. */
export async function pullSkills(
  context: CommandContext,
  instances: readonly PlannedInstance[],
  skillsFolder: string,
): Promise<readonly PulledSkills[]> {
  const pulled: PulledSkills[] = [];
  const docker = dockerForFiles(context);
  for (const { instance, tenant } of instances) {
    const { container } = instance;
    const home = container === null ? instance.stateDir : instance.insideStateDir;
    if (!home) continue;
    try {
      const report = await syncSkills({
        folder: join(skillsFolder, tenant),
        instance: { container, home, below: container === null ? (instance.stateBelow ?? null) : null },
        docker,
        mode: "pull",
      });
      pulled.push({ tenant, report, trouble: null });
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      pulled.push({ tenant, report: null, trouble });
    }
  }
  return pulled;
}

export const isPulled = ({ report, trouble }: PulledSkills): boolean =>
  trouble === null && (report?.rows ?? []).every(({ error }) => error === null);

export function showSkills(context: CommandContext, pulled: readonly PulledSkills[]): void {
  const style = terminalStyle(context);
  for (const { tenant, report, trouble } of pulled) {
    const line = (mark: string, words: string): void =>
      void context.stdout.write(`${mark}  ${plain(tenant)}: ${plain(words)}\n`);
    if (report === null) {
      line(style.red("FAIL"), `skills: ${trouble ?? "not pulled"}`);
      continue;
    }
    const done = report.rows.filter((row) => row.done).length;
    const conflicts = report.rows.filter((row) => row.action === "conflict").map(({ skill }) => skill);
    line(style.green("ok  "), `skills: ${done} pulled of ${report.rows.length}`);
    if (conflicts.length > 0)
      line(style.yellow("warn"), `changed on both sides, not touched: ${conflicts.join(", ")}`);
    for (const { skill, risks, error } of report.rows) {
      if (error !== null) line(style.red("FAIL"), `skill ${skill}: ${error}`);
      if (risks.length > 0) line(style.yellow("warn"), `skill ${skill}: ${risks.join("; ")}`);
    }
    for (const { name, why } of report.refused)
      line(style.yellow("warn"), `skill ${name} is refused: ${why}`);
  }
}
