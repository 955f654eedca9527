// What recurs in an instance, as its own program tells it (`openclaw cron list`, `cron runs`): heartbeats and scheduled turns. All of it
// is text of others: it is bounded here, and only ids of a plain form are ever put into a command.

import type { CommandResult } from "../system/process.ts";
import { runsPerDay } from "./schedule-rate.ts";

export type Automation = {
  readonly id: string;
  readonly name: string;
  readonly agent: string;
  readonly kind: "heartbeat" | "turn";
  /** Its own model; null: its agent's. */
  readonly model: string | null;
  /** Each run has a session of its own. */
  readonly isIsolated: boolean;
  readonly runsPerDay: number | null;
};

/** One past run. */
export type AutomationRun = {
  readonly session: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

const maxAutomations = 50;
const maxText = 200;

/** `why`: half a sentence for a person. */
export type Told<T> = { readonly told: readonly T[] } | { readonly why: string };

type Answer = Pick<CommandResult, "code" | "stdout" | "stderr">;

/** Only what is switched on and asks a model. */
export function automationsIn(answer: Answer): Told<Automation> {
  const rows = rowsIn(answer, "jobs");
  if ("why" in rows) return rows;
  return { told: rows.told.flatMap((row) => automationOf(row) ?? []).slice(0, maxAutomations) };
}

export function runsIn(answer: Answer): Told<AutomationRun> {
  const rows = rowsIn(answer, "entries");
  if ("why" in rows) return rows;
  return {
    told: rows.told.map((row) => ({
      session: textIn(row, "sessionId"),
      provider: textIn(row, "provider"),
      model: textIn(row, "model"),
      inputTokens: countIn(memberIn(row, "usage"), "input_tokens"),
      outputTokens: countIn(memberIn(row, "usage"), "output_tokens"),
    })),
  };
}

function rowsIn({ code, stdout, stderr }: Answer, name: string): Told<unknown> {
  let value: unknown = null;
  try {
    value = JSON.parse(stdout.slice(Math.max(0, stdout.indexOf("{"))));
  } catch {
    // Text instead of JSON: it failed before it could ask.
  }
  const rows = memberIn(value, name);
  if (Array.isArray(rows)) return { told: rows as readonly unknown[] };
  const message = textIn(memberIn(value, "error"), "message") ?? stderr.trim();
  const first = message.split("\n")[0] ?? "";
  return { why: first === "" ? `openclaw returned no list (exit code ${code})` : first.slice(0, maxText) };
}

function automationOf(row: unknown): Automation | null {
  const id = textIn(row, "id");
  const payload = memberIn(row, "payload");
  const payloadKind = textIn(payload, "kind");
  const kind = payloadKind === "heartbeat" ? "heartbeat" : payloadKind === "agentTurn" ? "turn" : null;
  if (id === null || kind === null || memberIn(row, "enabled") !== true) return null;
  return {
    id,
    kind,
    name: textIn(row, "displayName") ?? textIn(row, "name") ?? id,
    agent: textIn(row, "effectiveAgentId") ?? textIn(row, "agentId") ?? "main",
    model: textIn(payload, "model"),
    isIsolated: textIn(row, "sessionTarget") === "isolated",
    runsPerDay: runsPerDay(memberIn(row, "schedule")),
  };
}

function memberIn(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function textIn(value: unknown, name: string): string | null {
  const text = memberIn(value, name);
  return typeof text === "string" && text !== "" ? text.slice(0, maxText) : null;
}

function countIn(value: unknown, name: string): number {
  const count = memberIn(value, name);
  return typeof count === "number" && count >= 0 && Number.isFinite(count) ? count : 0;
}

/** Safe in a command that a person copies, and not an option. */
export const isPlainId = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.:@/-]{0,199}$/.test(text);
