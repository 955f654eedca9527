// The picture of `clawgate top` fits every terminal, and names in it cannot steer one.

import { describe, expect, test } from "bun:test";
import type { LiveRow } from "../../src/operator/reports/live-report.ts";
import type { ProviderRow } from "../../src/operator/reports/provider-report.ts";
import type { TerminalStyle } from "../../src/commands/terminal.ts";
import type { TopData } from "../../src/commands/top-data.ts";
import { topLines } from "../../src/commands/top-text.ts";

const same = (text: string): string => text;
const style: TerminalStyle = {
  columns: null,
  bold: same,
  dim: same,
  green: same,
  red: same,
  yellow: same,
};

const request = (more: Partial<LiveRow> = {}): LiveRow => ({
  id: "01KBABCDEFGHJKMNPQRSTVWXYZ",
  door: "chat",
  tenant: "team",
  started_at_ms: 90_000,
  stage: "streaming",
  model: "claude-sonnet-4-5",
  provider: "anthropic",
  queue: null,
  session: "s1",
  client: "claude-cli/2.1.0",
  agent: null,
  rule: "code",
  output_tokens: 1_234,
  tokens_per_second: 56.7,
  ...more,
});

const provider = (id: string): ProviderRow => ({
  id,
  backend: "openai-compat",
  base_url: null,
  model: "m",
  models: [],
  tier: null,
  state: "open",
  retry_at: null,
  retry_in_s: 30,
  credentials: [],
  cooling_models: {},
  consecutive_failures: 3,
  ejections: 1,
  avg_latency_ms: 1_200,
  last_error: "connection refused",
  last_check: null,
  running: 1,
  waiting: 0,
  requests_today: 7,
});

const data = (more: Partial<TopData> = {}): TopData => ({
  at_ms: 100_000,
  url: "http://127.0.0.1:4141",
  version: "0.1.0",
  status: "degraded",
  uptime_s: 7_300,
  problems: ["the disk is nearly full"],
  requests: [request()],
  providers: [provider("anthropic")],
  today: null,
  ...more,
});

const sizes = [
  [20, 6],
  [40, 10],
  [80, 24],
  [200, 50],
] as const;

describe.each(sizes)("%i columns and %i rows", (columns, rows) => {
  test("nothing is wider or longer, with wide characters too", () => {
    const many = Array.from({ length: 100 }, (_, at) =>
      request({ model: `模型-${at}-🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂`, tenant: "ünïcödé-ünïcödé" }),
    );
    const lines = topLines(
      data({ requests: many, providers: Array.from({ length: 40 }, (_, at) => provider(`p${at}`)) }),
      style,
      { columns, rows },
    );
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test("escape sequences and line breaks of names are inert", () => {
    const hostile = "\u001b[2J\u001b]0;owned\u0007a\nb\u009b31m\u202e";
    const text = topLines(
      data({
        problems: [hostile],
        requests: [
          request({ model: hostile, tenant: hostile, client: hostile, rule: hostile, session: hostile }),
        ],
        providers: [{ ...provider(hostile), last_error: hostile }],
      }),
      style,
      { columns, rows },
    );
    for (const line of text) expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

test("80 columns show what is asked first; 200 show the rest", () => {
  const at = (columns: number): string => topLines(data(), style, { columns, rows: 24 }).join("\n");
  for (const words of ["claude-sonnet-4-5", "streaming", "anthropic", "1k", "57", "10.0 s", "degraded"])
    expect(at(80)).toContain(words);
  expect(at(80)).not.toContain("01KBABCDEFGHJKMNPQRSTVWXYZ");
  for (const words of ["01KBABCDEFGHJKMNPQRSTVWXYZ", "claude-cli/2.1.0", "again in 30 s; connection refused"])
    expect(at(200)).toContain(words);
});

test("the last line says how many requests are not shown; without any it says so", () => {
  const many = Array.from({ length: 30 }, () => request());
  expect(topLines(data({ requests: many }), style, { columns: 80, rows: 24 }).at(-1)).toMatch(
    /^\.\.\. and \d+ more$/,
  );
  expect(topLines(data({ requests: [] }), style, { columns: 80, rows: 24 }).at(-1)).toBe(
    "No request is running.",
  );
});
