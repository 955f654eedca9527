// Records as a busy gateway makes them: tenants with their clients, sessions of some hundred turns, rules with their targets, subagents,
// failures, fallbacks, cache misses, heartbeats. The same seed makes the same records.

import { requestClasses } from "../../src/canon/client-hints.ts";
import type { AttemptRecord, RequestRecord } from "../../src/canon/record.ts";

export type SyntheticOptions = {
  readonly rows: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
};

const tenants = ["red", "blue", "green", "yellow", null];
const clients = [
  "claude-cli",
  "codex",
  "opencode",
  "aider",
  "zed",
  "cursor",
  "openai-python",
  "curl",
  "n8n",
  "openclaw",
];
const rules = ["coding", "quick", "long-context", "vision", "heartbeat", "classify", "summaries", "default"];
const providers = ["anthropic", "openai", "google", "deepseek", "openrouter", "mistral", "groq", "ollama"];
const models = Array.from({ length: 40 }, (_, i) => `model-${Math.floor(i / 5)}-${i % 5}`);
const turnsOfSession = 200;
const openSessions = 120;

type Session = {
  readonly name: string;
  readonly tenant: string | null;
  readonly client: string;
  readonly rule: string;
  readonly model: number;
  readonly agents: readonly string[];
  turn: number;
};

const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function ulid(ms: number, next: () => number): string {
  let time = "";
  for (let left = ms, i = 0; i < 10; i++, left = Math.floor(left / 32))
    time = letters.charAt(left % 32) + time;
  let tail = "";
  for (let i = 0; i < 16; i++) tail += letters.charAt(Math.floor(next() * 32));
  return time + tail;
}

function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class SyntheticTraffic {
  private readonly sessions: Session[] = [];
  private made = 0;

  constructor(
    private readonly next: () => number,
    private readonly seed: number,
  ) {}

  record(startedAtMs: number): RequestRecord {
    const session = this.session();
    session.turn += 1;
    return recordOf(session, startedAtMs, this.next);
  }

  private session(): Session {
    const { next, sessions } = this;
    const at = Math.floor(next() * openSessions);
    const open = sessions[at];
    if (open !== undefined && open.turn < turnsOfSession) return open;
    this.made += 1;
    const tenant = Math.floor(next() * tenants.length);
    const fresh: Session = {
      name: `5e55${String(this.made).padStart(8, "0")}-4a0d-4c51-9d3e-${String(this.seed).padStart(12, "0")}`,
      tenant: tenants[tenant] ?? null,
      client: clients[(tenant * 2 + Math.floor(next() * 3)) % clients.length] ?? "curl",
      rule: rules[Math.floor(next() ** 2 * rules.length)] ?? "default",
      model: Math.floor(next() ** 2 * models.length),
      agents: next() < 0.3 ? [`agent-${this.made}-1`, `agent-${this.made}-2`] : [],
      // They do not all end at the same time.
      turn: this.made <= openSessions ? Math.floor(next() * turnsOfSession) : 0,
    };
    sessions[at] = fresh;
    return fresh;
  }
}

function attemptOf(
  change: Partial<AttemptRecord> & Pick<AttemptRecord, "provider" | "model">,
): AttemptRecord {
  return {
    credential: null,
    outcome: "ok",
    lane: "relay",
    status: 200,
    failure: null,
    message: null,
    startedAtMs: 0,
    waitMs: 0,
    headersMs: 180,
    firstTokenMs: 400,
    durationMs: 2_000,
    maybeBilled: true,
    adapted: [],
    ...change,
  };
}

const overloaded = { outcome: "failed", status: 529, failure: "overloaded", message: "overloaded" } as const;

function attemptsOf(target: Pick<AttemptRecord, "provider" | "model">, result: Result): AttemptRecord[] {
  const { failure, startedAtMs, durationMs, fellBack } = result;
  const last = attemptOf({
    ...target,
    outcome: failure === null ? "ok" : failure === "cancelled" ? "cancelled" : "failed",
    status: failure === null ? 200 : 429,
    failure,
    startedAtMs: startedAtMs + 4,
    durationMs,
  });
  if (!fellBack) return [last];
  const first = { provider: "groq", model: "model-6-0", startedAtMs: startedAtMs + 2, durationMs: 90 };
  return [attemptOf({ ...first, ...overloaded }), last];
}

type Result = {
  readonly failure: "cancelled" | "rate-limited" | null;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly fellBack: boolean;
};

function moneyOf({ client, tenant, turn }: Session, failed: boolean, next: () => number) {
  const input = Math.round(2_000 + turn * 600 * next());
  const missed = next() < 0.02;
  const cached = missed ? 0 : Math.round(input * 0.8);
  const output = Math.round(50 + next() ** 2 * 2_000);
  const cost = failed ? 0 : (input - cached) * 3_000 + cached * 300 + output * 15_000;
  const isFlat = client === "claude-cli" && tenant === "red";
  const miss = {
    cause: "tools",
    index: 2,
    change: "changed",
    missedTokens: input,
    nanoUsd: input * 2_700,
  } as const;
  return {
    usage: {
      input,
      inputUncached: input - cached,
      inputCached: cached,
      inputCacheWrite: 0,
      output,
      outputReasoning: 0,
    },
    costNanoUsd: isFlat ? 0 : cost,
    ...(isFlat ? { listNanoUsd: cost } : {}),
    baselineNanoUsd: cost * 3,
    uncachedNanoUsd: input * 3_000 + output * 15_000,
    ...(missed && !failed ? { cacheMiss: miss } : {}),
  };
}

/** What routing says of a session's requests. */
function decisionOf({ rule }: Session, target: { readonly provider: string; readonly model: string }) {
  return {
    requestedModel: "auto",
    layer: "static" as const,
    rule,
    confidence: 0.9,
    reason: "the rule's first target that is healthy",
    facts: { estimatedTokens: 4_000, hasTools: true, hasImages: false, isHeartbeat: rule === "heartbeat" },
    candidates: [
      { ...target, note: "chosen", kept: true },
      { provider: "groq", model: "model-6-0", note: "fallback", kept: true },
    ],
  };
}

function recordOf(session: Session, startedAtMs: number, next: () => number): RequestRecord {
  const model = models[session.model] ?? "model-0-0";
  const provider = providers[Math.floor(session.model / 5)] ?? "openai";
  const failed = next() < 0.03;
  const result: Result = {
    failure: failed ? (next() < 0.3 ? "cancelled" : "rate-limited") : null,
    startedAtMs,
    durationMs: Math.round(300 + next() ** 4 * 60_000),
    fellBack: !failed && next() < 0.04,
  };
  const agent = session.agents.length > 0 && next() < 0.5 ? session.agents[session.turn % 2] : undefined;
  return {
    id: ulid(startedAtMs, next),
    startedAtMs,
    tenant: session.tenant,
    keyId: session.tenant === null ? null : "1a2b3c4d",
    session: session.name,
    ...(agent === undefined ? {} : { agent, parentAgent: "main" }),
    door: "messages",
    client: session.client,
    // Only Claude Code says which kind of turn it is.
    ...(session.client === "claude-cli"
      ? { requestClass: requestClasses[session.turn % requestClasses.length] ?? "main" }
      : {}),
    tags: session.turn % 9 === 0 ? ["nightly"] : [],
    stream: next() < 0.8,
    ...decisionOf(session, { provider, model }),
    attempts: attemptsOf({ provider, model }, result),
    provider: failed ? null : provider,
    model: failed ? null : model,
    upstreamModel: failed ? null : model,
    queueWaitMs: 0,
    overheadMs: 0.4,
    firstTokenMs: failed ? null : Math.round(150 + next() ** 3 * 4_000),
    durationMs: result.durationMs,
    ...moneyOf(session, failed, next),
    toolCalls: session.turn % 3 === 0 ? ["Read", "Bash"] : [],
    contentHash: `h${Math.floor(next() * 1e12).toString(36)}`,
    status: failed ? 429 : 200,
    finish: failed ? null : "stop",
    failure: result.failure,
    error: failed ? "rate limited" : null,
  };
}

/** In the order in which they end. */
export function* syntheticRecords({ rows, fromMs, toMs, seed }: SyntheticOptions): Generator<RequestRecord> {
  const next = randomNumbers(seed);
  const traffic = new SyntheticTraffic(next, seed);
  const step = (toMs - fromMs) / rows;
  for (let i = 0; i < rows; i++) {
    const endedMs = fromMs + (i + 1) * step;
    // A long request began before those that end around it.
    yield traffic.record(Math.max(fromMs, Math.round(endedMs - next() ** 4 * 60_000)));
  }
}
