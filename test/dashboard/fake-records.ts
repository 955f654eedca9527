// Records as /api shows them, made up from a seed: the same ones at every run, with hostile names among the ordinary ones.

import type { RequestDetail, Row } from "../../src/dashboard/client/api-shapes.ts";

export const hostileNames = [
  `<img src=x onerror="window.__hostile=1">`,
  `"><script>window.__hostile=1</script>`,
  "javascript:window.__hostile=1",
  "\u202egnp.exe\u202c reversed",
  `=HYPERLINK("http://x","y")`,
  "\u001b[31mred\u001b[0m",
  "🦀🏳️‍🌈 emoji 𝕏",
  "x".repeat(10_000),
] as const;

/** A small generator (mulberry32): numbers in 0..1. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const models = [
  ["anthropic", "claude-sonnet-4-5", 3, 15],
  ["anthropic", "claude-haiku-4-5", 1, 5],
  ["openai", "gpt-5-mini", 0.25, 2],
  ["google", "gemini-2.5-flash", 0.3, 2.5],
  ["claude-code", "claude-opus-4-5", 5, 25],
  ["ollama", "qwen3:14b", 0, 0],
] as const;
const tenants = ["team-search", "team-mobile", "nightly", null] as const;
const clients = ["claude-code", "codex", "openclaw", "opencode", null] as const;
const rules = ["explicit-model", "code-in-prompt", "long-context", "heartbeat", "no-match"] as const;
const tools = ["Bash", "Read", "Edit", "Grep", "WebFetch", "Task"] as const;

export const sessionNames = Array.from(
  { length: 14 },
  (_, at) => `5f3c${at.toString(16)}a7e-9b1d-4c1e-8f00-${at}`,
);

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

type Shape = { readonly random: () => number; readonly number: number; readonly startedMs: number };

const ulidOf = (number: number): string => `01KBA${number.toString(32).toUpperCase().padStart(21, "0")}`;

function attemptsOf(
  { random, startedMs }: Shape,
  target: (typeof models)[number],
  isFailed: boolean,
  ms: number,
) {
  const failsFirst = random() < 0.12;
  const base = { lane: "relay" as const, maybe_billed: false, wait_ms: 0 };
  const failed = {
    ...base,
    provider: "openai",
    model: "gpt-5-mini",
    credential: "ab12cd34",
    outcome: "failed" as const,
    status: 429,
    failure: "rate-limited" as const,
    message: "Rate limit reached for requests. Try again in 12 s.",
    started_at_ms: startedMs + 6,
    headers_ms: 180,
    first_token_ms: null,
    duration_ms: 190,
    adapted: [],
  };
  const wait = random() < 0.2 ? Math.round(random() * 900) : 0;
  const started = startedMs + (failsFirst ? 200 : 5);
  const last = {
    ...base,
    provider: target[0],
    model: target[1],
    credential: random() < 0.5 ? "9f00aa12" : null,
    outcome: isFailed ? ("failed" as const) : ("ok" as const),
    lane: random() < 0.7 ? ("relay" as const) : ("hub" as const),
    status: isFailed ? 503 : 200,
    failure: isFailed ? ("overloaded" as const) : null,
    message: isFailed ? "Overloaded <b>now</b>" : null,
    started_at_ms: started,
    wait_ms: wait,
    ...(wait > 0 ? { queue_position: 2 } : {}),
    headers_ms: Math.round(ms * 0.2),
    first_token_ms: isFailed ? null : Math.round(ms * 0.3),
    duration_ms: ms - (failsFirst ? 195 : 0),
    adapted: random() < 0.3 ? ["thinking_budget_lowered", "top_k_dropped"] : [],
  };
  return failsFirst ? [failed, last] : [last];
}

/** One request; the newest has the highest number. */
function recordOf(shape: Shape): RequestDetail {
  const { random, number, startedMs } = shape;
  const target = pick(random, models);
  const isHostile = number % 37 === 0;
  const hostile = hostileNames[Math.floor(number / 37) % hostileNames.length] ?? "";
  const isFailed = random() < 0.04;
  const isCancelled = !isFailed && random() < 0.02;
  const isFlat = target[0] === "claude-code";
  const input = Math.round(500 + random() ** 3 * 120_000);
  const cached = Math.round(input * (random() < 0.75 ? 0.6 + random() * 0.38 : 0));
  const written = Math.round((input - cached) * 0.5 * random());
  const output = isFailed ? 0 : Math.round(40 + random() ** 2 * 4000);
  const ms = Math.max(260, Math.round(300 + output * (6 + random() * 9)));
  const parts = {
    input_usd: ((input - cached - written) * target[2]) / 1e6,
    cached_usd: (cached * target[2] * 0.1) / 1e6,
    cache_write_usd: (written * target[2] * 1.25) / 1e6,
    output_usd: (output * target[3]) / 1e6,
  };
  const list = parts.input_usd + parts.cached_usd + parts.cache_write_usd + parts.output_usd;
  const misses = cached === 0 && !isFailed && number % 3 === 0;
  const rule = pick(random, rules);
  const attempts = attemptsOf(shape, target, isFailed, ms);
  const failure = isFailed ? "overloaded" : isCancelled ? "cancelled" : null;
  return {
    id: number,
    timestamp: startedMs / 1000,
    provider: target[0],
    model: isHostile ? hostile : target[1],
    layer: rule === "explicit-model" ? "direct" : rule === "no-match" ? "fallback" : "heuristic",
    rule_name: rule,
    prompt_tok: input,
    compl_tok: output,
    cache_hit: cached,
    cache_miss: input - cached,
    cost_usd: isFlat ? 0 : number % 53 === 0 ? null : list,
    latency_ms: ms,
    success: failure === null ? 1 : 0,
    error: isFailed ? `The provider is overloaded. ${isHostile ? hostile : ""}` : "",
    request_id: ulidOf(number),
    tenant: isHostile ? hostile : pick(random, tenants),
    key_id: "key-3f9a",
    session: pick(random, sessionNames),
    agent: random() < 0.25 ? `agent-${Math.floor(random() * 3)}` : null,
    parent_agent: null,
    class: null,
    door: pick(random, ["messages", "chat", "responses"]),
    client: isHostile ? hostile : pick(random, clients),
    tags: isHostile ? [hostile] : random() < 0.2 ? ["nightly"] : [],
    requested_model: random() < 0.5 ? target[1] : "auto",
    upstream_model: target[1],
    stream: random() < 0.8,
    status: isFailed ? 503 : isCancelled ? 499 : 200,
    finish: isFailed ? null : "stop",
    failure,
    confidence: 0.82,
    reason:
      "The last turn contains a code block and tools are offered; the cheapest capable target was taken.",
    candidates: [
      { provider: target[0], model: target[1], note: "chosen", kept: true },
      { provider: "openai", model: "gpt-5-mini", note: "fallback", kept: true },
      { provider: "ollama", model: "qwen3:14b", note: "context window of 32k is too small", kept: false },
    ],
    facts: { estimated_tokens: input, has_tools: true, has_images: false, has_code_block: true },
    attempts,
    queue_wait_ms: attempts.reduce((sum, each) => sum + each.wait_ms, 0),
    overhead_ms: 1,
    first_token_ms: isFailed ? null : Math.round(ms * 0.3),
    usage: {
      input,
      input_uncached: input - cached - written,
      input_cached: cached,
      input_cache_write: written,
      output,
      output_reasoning: Math.round(output * 0.2),
    },
    list_usd: isFlat ? list : null,
    baseline_usd: list * 1.7,
    uncached_usd: list + (cached * target[2] * 0.9) / 1e6,
    cost_parts: isFlat ? null : parts,
    missed_cache: misses
      ? {
          cause: "message",
          index: 4,
          change: "changed",
          missed_tokens: Math.round(input * 0.8),
          usd: (input * 0.8 * target[2] * 0.9) / 1e6,
        }
      : null,
    tool_calls: random() < 0.6 ? [pick(random, tools), pick(random, tools)] : [],
  };
}

/** The newest first. */
export function fakeRecords(nowMs: number, most = 600): readonly RequestDetail[] {
  const random = randomFrom(7);
  const made: RequestDetail[] = [];
  let startedMs = nowMs - 20_000;
  for (let number = most; number > 0; number--) {
    made.push(recordOf({ random, number, startedMs }));
    startedMs -= Math.round(1000 + random() * 280_000);
  }
  return made;
}

export function rowOf(record: RequestDetail): Row {
  const { candidates: _candidates, facts: _facts, attempts, reason: _reason, ...rest } = record;
  return {
    ...rest,
    attempt_count: attempts.length,
    fallbacks: attempts.filter(({ outcome }) => outcome === "failed").length - (record.success === 1 ? 0 : 1),
  };
}
