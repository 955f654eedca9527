import { describe, expect, test } from "bun:test";
import type { RequestDetail } from "../../src/dashboard/client/api-shapes.ts";
import {
  ageText,
  linesAfter,
  linesFrom,
  liveOrder,
  type LogLine,
  queueText,
  withLines,
} from "../../src/dashboard/client/live-view.ts";
import { isUnsent, missText } from "../../src/dashboard/client/pages/request-cost.tsx";
import { shownDifference } from "../../src/dashboard/client/pages/overview-money.tsx";
import { ApiError } from "../../src/dashboard/client/api.ts";
import { figuresAt } from "../../src/dashboard/client/components/chart.tsx";
import { sparkPath } from "../../src/dashboard/client/components/sparkline.tsx";
import { routeCommand } from "../../src/dashboard/client/route-command.ts";
import { agentTree, toolRows, turnBars } from "../../src/dashboard/client/session-view.ts";
import { knownCost, monthAt, projection } from "../../src/dashboard/client/spending-outlook.ts";
import { mostOf, stacked, summaryOf } from "../../src/dashboard/client/stacked-series.ts";
import { waterfallOf } from "../../src/dashboard/client/waterfall.ts";
import { fakeRecords, hostileNames, rowOf } from "./fake-records.ts";
import { fakeSessions } from "./fake-reports.ts";

const records = fakeRecords(Date.UTC(2026, 10, 30, 12));
const record = (part: Partial<RequestDetail>): RequestDetail => ({
  ...(records[0] as RequestDetail),
  ...part,
});
type Attempt = RequestDetail["attempts"][number];
const attempt = (part: Partial<Attempt>): Attempt => ({
  provider: "p",
  model: "m",
  credential: null,
  outcome: "ok",
  lane: "relay",
  status: 200,
  failure: null,
  message: null,
  started_at_ms: 1000,
  wait_ms: 0,
  headers_ms: null,
  first_token_ms: null,
  duration_ms: 100,
  maybe_billed: false,
  adapted: [],
  ...part,
});

describe("the waterfall", () => {
  test("divides an attempt into waiting, headers, thinking and streaming", () => {
    const whole = attempt({ wait_ms: 100, headers_ms: 300, first_token_ms: 500, duration_ms: 1000 });
    const { rows, wholeMs } = waterfallOf({ timestamp: 1, latency_ms: 1000, attempts: [whole] });
    expect(wholeMs).toBe(1000);
    expect(rows[0]?.spans).toEqual([
      { kind: "queue", left: 0, width: 10 },
      { kind: "headers", left: 10, width: 20 },
      { kind: "thinking", left: 30, width: 20 },
      { kind: "streaming", left: 50, width: 50 },
    ]);
  });

  test("puts a second attempt after the first, and is as long as the longest", () => {
    const { rows, wholeMs } = waterfallOf({
      timestamp: 1,
      latency_ms: 100,
      attempts: [attempt({ duration_ms: 50 }), attempt({ started_at_ms: 1100, duration_ms: 100 })],
    });
    expect(wholeMs).toBe(200);
    expect(rows.map(({ spans }) => spans.map(({ left, width }) => [left, width]))).toEqual([
      [[0, 25]],
      [[50, 50]],
    ]);
  });

  test("never leaves its frame, whatever the clocks said", () => {
    const odd = [
      attempt({ started_at_ms: 0, duration_ms: 500, headers_ms: 9_000, first_token_ms: 20 }),
      attempt({ wait_ms: 1e9, duration_ms: 10, started_at_ms: 1990 }),
      attempt({ duration_ms: 0 }),
    ];
    for (const { spans } of waterfallOf({ timestamp: 1, latency_ms: 0, attempts: odd }).rows)
      for (const { left, width } of spans) {
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left + width).toBeLessThanOrEqual(100);
      }
    for (const each of records)
      for (const { spans } of waterfallOf(each).rows) expect(spans.length).toBeGreaterThan(0);
  });
});

describe("the command for /api/route", () => {
  /** What a shell makes of the command: its words, run by a real one. */
  function wordsOf(command: string): readonly string[] {
    const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
    const ran = Bun.spawnSync(["sh", "-c", script], { env: { CLAWGATE_ADMIN_KEY: "the-key" } });
    expect(ran.stderr.toString()).toBe("");
    return ran.stdout.toString().split("\0").slice(0, -1);
  }

  test.each(hostileNames.map((name) => [name.slice(0, 30), name]))("is inert with %j", (_short, name) => {
    const asked = record({
      requested_model: `${name}'; touch /tmp/x; '$(id)\`id\``,
      tenant: name,
      door: "messages",
    });
    const command = routeCommand(asked, "http://127.0.0.1:4141", true);
    expect(command).toMatch(/^[\n\u0020-\u007e]*$/);
    const words = wordsOf(command);
    expect(words.length).toBe(8);
    expect(new URL(words[1] ?? "").searchParams.get("tenant")).toBe(
      new URLSearchParams({ t: name }).get("t"),
    );
    expect(words[3]).toBe("authorization: Bearer the-key");
    expect(JSON.parse(words[7] ?? "").model).toBe(asked.requested_model);
  });

  test.each([
    ["chat", "messages"],
    ["messages", "max_tokens"],
    ["responses", "input"],
    ["embeddings", "messages"],
  ])("of %s has a body with %s", (door, member) => {
    const words = wordsOf(routeCommand(record({ door, facts: { has_tools: true } }), "http://x", false));
    const body = JSON.parse(words.at(-1) ?? "");
    expect(body).toHaveProperty(member);
    expect(body.tools).toHaveLength(1);
    expect(words.join(" ")).not.toContain("authorization");
  });
});

describe("a session", () => {
  const agent = (name: string | null, parent: string | null) => ({
    agent: name,
    parent_agent: parent,
    requests: 1,
    cost_usd: 0,
    unknown_cost_requests: 0,
    flat_rate_list_usd: 0,
  });

  test("has its agents as a tree, the conversation itself first", () => {
    const tree = agentTree([agent("b", "a"), agent("a", null), agent(null, null), agent("c", "gone")]);
    expect(
      tree.map((node) => [node.agent.agent, node.below.map(({ agent: { agent: name } }) => name)]),
    ).toEqual([
      [null, []],
      ["a", ["b"]],
      ["c", []],
    ]);
  });

  test("shows every agent once, also of those that started each other", () => {
    const tree = agentTree([agent("a", "b"), agent("b", "a"), agent("self", "self")]);
    expect(tree.map((node) => node.agent.agent).toSorted()).toEqual(["a", "b", "self"]);
  });

  test("has its turns as bars, oldest first, a flat rate by its list", () => {
    const turn = (part: Partial<RequestDetail>) =>
      rowOf(record({ failure: null, missed_cache: null, list_usd: null, ...part }));
    const bars = turnBars([
      turn({ cost_usd: 1, failure: "overloaded" }),
      turn({ cost_usd: 0, list_usd: 4, cache_hit: 5 }),
      turn({ cost_usd: null, cache_hit: 0 }),
    ]);
    expect(bars.map(({ height, kind }) => [height, kind])).toEqual([
      [0, "none"],
      [100, "hit"],
      [25, "failed"],
    ]);
    expect(turnBars([turn({ cost_usd: 0 })])[0]?.height).toBe(0);
  });

  test("names what changed before a cache was missed", () => {
    const miss = { cause: "message", index: 4, change: "changed", missed_tokens: 1, usd: null };
    expect(missText(miss)).toBe("The message 4 was changed.");
    expect(missText({ ...miss, cause: "tools", index: null, change: null })).toBe("The tool differs.");
    expect(missText({ ...miss, cause: "expired" })).toBe("The cache had expired.");
    expect(missText({ ...miss, cause: "model" })).toBe("The model changed.");
    expect(missText({ ...miss, cause: "new-in-2030" })).toBe("What differed is not known.");
  });

  test("whose turns have no known price has no known cost", () => {
    const [session] = fakeSessions(records);
    if (session === undefined) throw new Error("no session");
    const nothing = { ...session, cost_usd: 0, flat_rate_list_usd: 0 };
    expect(knownCost({ ...nothing, unknown_cost_requests: 2 })).toBe(null);
    expect(knownCost({ ...nothing, unknown_cost_requests: 0 })).toBe(0);
    expect(knownCost({ ...nothing, unknown_cost_requests: 2, flat_rate_list_usd: 1 })).toBe(0);
    expect(knownCost({ ...nothing, unknown_cost_requests: 2, cost_usd: 2 })).toBe(2);
  });

  test("has its tools by their calls", () => {
    expect(toolRows({ Read: 2, Bash: 9 })).toEqual([
      ["Bash", 9],
      ["Read", 2],
    ]);
  });
});

describe("live", () => {
  const line = (seq: number, level = "info", run = "a"): LogLine => ({
    id: `${run}-${seq}`,
    seq,
    at_ms: 0,
    level,
    message: String(seq),
  });

  test("lines that come again after a reconnect are not shown twice, and the oldest go", () => {
    const three = withLines([], [line(1), line(2), line(3)]);
    expect(withLines(three, [line(2), line(3), line(4)]).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(withLines(three, [line(3)])).toBe(three);
    const many = withLines(
      [],
      Array.from({ length: 1_500 }, (_, seq) => line(seq)),
    );
    expect([many.length, many[0]?.seq, many.at(-1)?.seq]).toEqual([1_000, 500, 1_499]);
  });

  test("lines of a gateway that started anew follow those of the one before", () => {
    const lines = withLines([line(7), line(8)], [line(1, "info", "b"), line(2, "info", "b")]);
    expect(lines.map(({ id }) => id)).toEqual(["a-7", "a-8", "b-1", "b-2"]);
    expect(linesAfter(lines, [line(7), line(8)]).map(({ id }) => id)).toEqual(["b-1", "b-2"]);
    expect(linesAfter(lines, [line(1)])).toEqual(lines);
  });

  test("a level hides what is below it, and nothing that is unknown", () => {
    const lines = [line(1, "debug"), line(2, "info"), line(3, "warn"), line(4, "error"), line(5, "odd")];
    expect(linesFrom(lines, "warn").map(({ seq }) => seq)).toEqual([3, 4, 5]);
  });

  test("those that wait stand below those that run", () => {
    const row = (id: string, stage: string, started_at_ms: number) => ({
      id,
      stage,
      started_at_ms,
      door: "chat",
      tenant: null,
      model: "m",
      provider: null,
    });
    const order = liveOrder([row("w", "waiting", 1), row("new", "asking", 9), row("old", "streaming", 2)]);
    expect(order.map(({ id }) => id)).toEqual(["old", "new", "w"]);
  });

  test("an age is in whole seconds, whatever the clocks say", () => {
    expect([ageText(-5), ageText(999), ageText(1_999), ageText(61_500)]).toEqual([
      "< 1 s",
      "< 1 s",
      "1 s",
      "1 m 01 s",
    ]);
  });

  test("a place in a queue is told", () => {
    expect(queueText({ provider: "ollama", position: 3, waited_ms: 9 })).toBe("place 3 at ollama");
    expect([queueText(null), queueText(undefined)]).toEqual([null, null]);
  });
});

describe("a request that no provider was asked for", () => {
  test("cost nothing; one whose cost is not known is not called free", () => {
    expect(isUnsent({ attempts: [], cost_usd: null })).toBe(true);
    expect(isUnsent({ attempts: [attempt({})], cost_usd: null })).toBe(false);
    expect(isUnsent({ attempts: [], cost_usd: 0.1 })).toBe(false);
  });

  test("what was refused for its words is not to be tried again, what failed is", () => {
    const statuses = [0, 400, 403, 404, 412, 429, 500, 503];
    expect(statuses.filter((status) => new ApiError("", status, {}).mayPass)).toEqual([
      0, 412, 429, 500, 503,
    ]);
    expect([new ApiError("", 403, {}).isRefusal, new ApiError("", 403, null).isRefusal]).toEqual([
      true,
      false,
    ]);
  });
});

describe("the outlook", () => {
  test("what was saved is the difference of the figures beside it", () => {
    expect(shownDifference(0.129, 0.114)).toBe(0.02);
    expect(shownDifference(0.004, 0.001)).toBeCloseTo(0.003, 9);
    expect(shownDifference(0.11, 0.13)).toBe(-0.02);
  });

  const month = monthAt(new Date(2026, 1, 15).getTime());
  test("carries the month's pace on to its end", () => {
    expect(projection(14, month, new Date(2026, 1, 15).getTime())).toBeCloseTo(28, 6);
    expect(projection(9, month, month.endMs)).toBe(9);
  });

  test("of requests without a known price is unknown, and of no requests nothing", () => {
    const nothing = { unknown_cost_requests: 0, flat_rate_list_usd: 0, cost_usd: 0 };
    expect(knownCost({ ...nothing, unknown_cost_requests: 3 })).toBe(null);
    expect(knownCost({ ...nothing, unknown_cost_requests: 3, cost_usd: 1 })).toBe(1);
    expect(knownCost(nothing)).toBe(0);
    expect(knownCost(null)).toBe(null);
  });

  test("is not made of a month's first minutes", () => {
    expect(projection(5, month, month.startMs + 60_000)).toBe(null);
  });
});

describe("a stacked chart", () => {
  const rows = [
    { name: "a", values: [1, null, 3] },
    { name: "b", values: [4, 5, 6] },
  ];
  test("adds each row to those below it", () =>
    expect(stacked(rows)).toEqual([
      [1, 0, 3],
      [5, 5, 9],
    ]));

  test("gathers the smaller rows, and loses nothing of the sum", () => {
    const many = Array.from({ length: 12 }, (_, at) => ({ name: `r${at}`, values: [at, at] }));
    const most = mostOf(many, 8);
    expect(most.map(({ name }) => name)).toEqual(["r11", "r10", "r9", "r8", "r7", "r6", "r5", "other"]);
    expect(stacked(most).at(-1)).toEqual(stacked(many).at(-1) ?? []);
    expect(mostOf(rows, 8)).toBe(rows);
  });

  test("tells the parts of one bar from its top down, with the colours of their rows", () => {
    expect(figuresAt(rows, 1)).toEqual({ sum: 5, parts: [{ name: "b", value: 5, colour: 1 }] });
    expect(figuresAt(rows, 2).parts.map(({ name }) => name)).toEqual(["b", "a"]);
    expect(figuresAt(rows, 9)).toEqual({ sum: 0, parts: [] });
  });

  test("beside a figure can be seen when all of it came in the last moment", () => {
    const bars = sparkPath([0, null, 0, 7]).match(/M[\d.]+ 24v-[\d.]+h[\d.]+/g) ?? [];
    expect(bars).toEqual(["M75.00 24v-22.0h19.50"]);
    expect(sparkPath([5])).toStartWith("M0.00 24v-22.0h78");
    expect(sparkPath([1_000_000, 1])).toContain("M50.00 24v-1.5");
    expect(sparkPath([0, null])).toBe("");
  });

  test("says in a sentence what it shows", () => {
    expect(summaryOf(rows, String)).toBe("3 points, 19 in all, at most 9 at once.");
    expect(summaryOf([], String)).toBe("No data.");
  });
});
