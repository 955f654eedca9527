import { describe, expect, test } from "bun:test";
import { automationsIn, isPlainId, runsIn } from "../../src/openclaw/automations.ts";
import { runsPerDay } from "../../src/openclaw/schedule-rate.ts";

const said = (value: unknown, code = 0, stderr = "") => ({
  code,
  stderr,
  stdout: typeof value === "string" ? value : JSON.stringify(value),
});

describe("how often a schedule fires in a day", () => {
  test.each<[unknown, number | null]>([
    [{ kind: "every", everyMs: 1_800_000 }, 48],
    [{ kind: "every", everyMs: 604_800_000 }, 1 / 7],
    [{ kind: "at", at: "2027-01-01T00:00:00Z" }, 0],
    [{ kind: "cron", expr: "0 3 * * *" }, 1],
    [{ kind: "cron", expr: "*/15 9-17 * * *" }, 36],
    [{ kind: "cron", expr: "0 9 * * mon-fri", tz: "Europe/Berlin" }, 260 / 365],
    [{ kind: "cron", expr: "0 9 * * 7" }, 53 / 365],
    [{ kind: "cron", expr: "0 0 1 * *" }, 12 / 365],
    // Either the 13th or a Friday.
    [{ kind: "cron", expr: "0 0 13 * 5" }, (12 + 52 - 2) / 365],
    [{ kind: "cron", expr: "0 0 1 jan,jul ?" }, 2 / 365],
    [{ kind: "cron", expr: "0,30 0 12 * * *" }, 2],
    [{ kind: "cron", expr: "5/20 * * * *" }, 72],
    [{ kind: "cron", expr: "99 * * * *" }, null],
    [{ kind: "cron", expr: "* * *" }, null],
    [{ kind: "cron", expr: "*/0 * * * *" }, null],
    [{ kind: "every", everyMs: 0 }, null],
    [{ kind: "on-exit" }, null],
    [null, null],
  ])("%j", (schedule, runs) => {
    const found = runsPerDay(schedule);
    if (runs === null) expect(found).toBeNull();
    else expect(found ?? Number.NaN).toBeCloseTo(runs, 2);
  });
});

test("heartbeats and scheduled turns that are on; what asks no model is left out", () => {
  const job = { id: "j", enabled: true, schedule: { kind: "every", everyMs: 3_600_000 } };
  const jobs = [
    {
      ...job,
      id: "h",
      name: "heartbeat-main",
      displayName: "Heartbeat (main)",
      payload: { kind: "heartbeat" },
      sessionTarget: "main",
      effectiveAgentId: "main",
    },
    {
      ...job,
      id: "t",
      name: "check",
      payload: { kind: "agentTurn", model: "clawgate/lite" },
      sessionTarget: "isolated",
      agentId: "ops",
    },
    { ...job, id: "c", payload: { kind: "command" } },
    { ...job, id: "off", enabled: false, payload: { kind: "agentTurn" } },
    { id: 5, enabled: true, payload: { kind: "agentTurn" } },
    "no job",
  ];
  expect(automationsIn(said({ jobs }))).toEqual({
    told: [
      {
        id: "h",
        kind: "heartbeat",
        name: "Heartbeat (main)",
        agent: "main",
        model: null,
        isIsolated: false,
        runsPerDay: 24,
      },
      {
        id: "t",
        kind: "turn",
        name: "check",
        agent: "ops",
        model: "clawgate/lite",
        isIsolated: true,
        runsPerDay: 24,
      },
    ],
  });
});

test("what cannot be asked says why, and never more than a line", () => {
  const error = { ok: false, error: { message: "Gateway not reachable at ws://127.0.0.1:1.\nStart it." } };
  expect(automationsIn(said(error, 1))).toEqual({ why: "Gateway not reachable at ws://127.0.0.1:1." });
  expect(automationsIn(said("", 1, "boom\nmore"))).toEqual({ why: "boom" });
  expect(runsIn(said("not json", 3))).toEqual({ why: "openclaw returned no list (exit code 3)" });
});

test("a run's session, model and tokens; other people's numbers are bounded", () => {
  const entries = [
    { sessionId: "s", provider: "clawgate", model: "auto", usage: { input_tokens: 10, output_tokens: 2 } },
    { usage: { input_tokens: -1, output_tokens: "many" } },
  ];
  expect(runsIn(said({ entries }))).toEqual({
    told: [
      { session: "s", provider: "clawgate", model: "auto", inputTokens: 10, outputTokens: 2 },
      { session: null, provider: null, model: null, inputTokens: 0, outputTokens: 0 },
    ],
  });
});

test("only ids of a plain form get into a command", () => {
  expect(["45639506-84fe-4585-b1d0", "main", "clawgate/oai", "a.b:c"].every(isPlainId)).toBe(true);
  for (const text of ["", "-rf", "a b", "$(x)", "a;b", "`x`", "a\nb", "a'b", "é"])
    expect(isPlainId(text)).toBe(false);
});
