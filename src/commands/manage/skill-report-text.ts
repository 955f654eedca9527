// The terminal text of a sync of skills: a table of differences, then what the user should review.

import type { SkillReport, SkillRow } from "../../openclaw/skill-sync.ts";
import { type TerminalStyle, plain } from "../terminal.ts";
import { type Cell, textTable } from "../text-table.ts";

const relations: Readonly<Record<SkillRow["relation"], string>> = {
  same: "the same",
  "only-here": "only here",
  "only-there": "only there",
  "changed-here": "changed here",
  "changed-there": "changed there",
  "removed-here": "removed here",
  "removed-there": "removed there",
  conflict: "differs on both sides",
};

export function reportWords(
  tenant: string,
  report: SkillReport,
  isDryRun: boolean,
  style: TerminalStyle,
): string {
  const rows = report.rows.map((row): Cell[] => [
    { text: plain(row.skill), paint: style.bold },
    relations[row.relation],
    doneCell(row, isDryRun, style),
  ]);
  const columns = [
    { title: "skill" },
    { title: "state" },
    { title: isDryRun ? "would be" : "done", shrinks: true },
  ];
  const risky = report.rows.filter(({ risks }) => risks.length > 0);
  const hasConflict = report.rows.some(({ action }) => action === "conflict");
  return [
    `${style.bold(plain(tenant))}: ${plain(report.source)}\n`,
    rows.length === 0 ? "no skills on either side\n" : textTable(columns, rows, style),
    ...report.refused.map(
      ({ name, why, side }) => `${style.yellow("left out")}  ${plain(name)} (${side}): ${plain(why)}\n`,
    ),
    ...risky.map(
      ({ skill, risks }) =>
        `${style.yellow("review it before its first use")}  ${plain(skill)}: ${plain(risks.join(", "))}\n`,
    ),
    hasConflict
      ? "Conflicts were not overwritten. bisync --pull keeps the remote version, bisync --push the local one (--skill names one).\n"
      : "",
  ].join("");
}

function doneCell({ action, done, error }: SkillRow, isDryRun: boolean, style: TerminalStyle): Cell {
  if (error !== null) return { text: plain(error), paint: style.red };
  if (action === "conflict") return { text: "conflict", paint: style.red };
  if (action === "none") return { text: "-", paint: style.dim };
  const text = action === "pull" ? "pulled" : "pushed";
  return { text, paint: done || isDryRun ? style.green : style.red };
}
