// What the page of Claude Code shows: the login in words, processes in all, and an examination in groups, what failed first.

import type { ClaudeProgram, DoctorAnswer, Finding } from "./shapes.ts";
import type { Tone } from "./providers-model.ts";

export type Processes = ClaudeProgram["processes"];

/** Each row of a provider repeats the processes of the whole provider. */
export function poolsOf(programs: readonly ClaudeProgram[]): ReadonlyMap<string, Processes> {
  return new Map(programs.map(({ provider, processes }) => [provider, processes]));
}

export function processesOf(programs: readonly ClaudeProgram[]): Processes {
  const sum = { busy: 0, idle: 0, parked: 0, starting: 0 };
  for (const processes of poolsOf(programs).values()) {
    sum.busy += processes.busy;
    sum.idle += processes.idle;
    sum.parked += processes.parked;
    sum.starting += processes.starting;
  }
  return sum;
}

export type LoginStatus = { readonly label: string; readonly tone: Tone; readonly expiresMs: number | null };

const logins: Readonly<Record<string, readonly [label: string, tone: Tone]>> = {
  "signed-in": ["Signed in", "good"],
  "signed-out": ["Not signed in", "bad"],
  expired: ["Login expired", "bad"],
  "api-key": ["API key", "good"],
  checking: ["Being asked", "plain"],
  unknown: ["Not known", "plain"],
};

export function loginStatus({ login }: Pick<ClaudeProgram, "login">, nowMs: number): LoginStatus {
  const [label, tone] = logins[login.state.replaceAll("_", "-")] ?? [login.state, "plain"];
  const parsed = login.expires === undefined ? Number.NaN : Date.parse(login.expires);
  const expiresMs = Number.isNaN(parsed) ? null : parsed;
  const isOver = expiresMs !== null && expiresMs <= nowMs && tone === "good";
  return isOver ? { label: "Login expired", tone: "bad", expiresMs } : { label, tone, expiresMs };
}

export type FindingGroup = { readonly section: string; readonly findings: readonly Finding[] };

const rank: Readonly<Record<Finding["state"], number>> = { failed: 0, warning: 1, ok: 2, skipped: 3 };

/** By section; a section with a failure first, and inside of one what needs attention first. */
export function findingGroups(answer: Pick<DoctorAnswer, "findings">): readonly FindingGroup[] {
  const bySection = Map.groupBy(answer.findings, ({ section }) => section);
  const groups = [...bySection].map(([section, findings]) => ({
    section,
    findings: findings.toSorted((left, right) => rank[left.state] - rank[right.state]),
  }));
  const worst = ({ findings }: FindingGroup): number => Math.min(...findings.map(({ state }) => rank[state]));
  return groups.toSorted((left, right) => worst(left) - worst(right));
}

/** "2 failed, 1 warning, 30 fine": what an examination amounts to. */
export function findingSummary({ findings }: Pick<DoctorAnswer, "findings">): string {
  const count = (state: Finding["state"]): number => findings.filter((each) => each.state === state).length;
  const [failed, warnings, fine, skipped] = [
    count("failed"),
    count("warning"),
    count("ok"),
    count("skipped"),
  ];
  return [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? "warning" : "warnings"}`] : []),
    `${fine} fine`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(", ");
}
