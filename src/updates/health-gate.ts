// Whether a gateway that was restarted with another program works as well as before. It must never be satisfied with a first answer:
// a program that ends after a second answers once.

import { type Clock, pause } from "../system/clock.ts";

/** What /health of the gateway said. */
export type GatewayState = {
  readonly pid: number;
  readonly version: string;
  readonly status: string;
  readonly healthy: readonly string[];
  readonly unhealthy: readonly string[];
};

const gateMs = 30_000;
const steadyMs = 5_000;
const lookMs = 200;
/** One that answered and does not any more: it may only be busy. */
const silenceMs = 2_000;
const unsteady = "it does not stay up";

export type HealthGate = {
  /** Before the restart. */
  readonly before: GatewayState;
  readonly wanted: string;
  /** Null: no gateway answers. */
  readonly look: () => Promise<GatewayState | null>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Null: within 30 s it was as good as before, and stayed so for 5 s. Otherwise what is wrong, without a full stop. */
export async function passHealthGate({
  before,
  wanted,
  look,
  clock,
  signal,
}: HealthGate): Promise<string | null> {
  const endMs = clock.monotonicMs() + gateMs;
  let goodSince = { ms: 0, pid: 0 };
  const isGood = (): boolean => goodSince.pid !== 0;
  let why: string | null = null;
  /** The process that was good once, and when it last answered. */
  let seen: { readonly pid: number; readonly ms: number } | null = null;
  for (;;) {
    const state = await look();
    const nowMs = clock.monotonicMs();
    const trouble = state === null ? "no gateway answers" : troubleOf(state, before, wanted);
    // Every moment longer is one without a gateway.
    if (seen !== null && (state === null ? nowMs - seen.ms >= silenceMs : state.pid !== seen.pid))
      return unsteady;
    if (state !== null && (seen !== null || trouble === null)) seen = { pid: state.pid, ms: nowMs };
    if (trouble !== null || state === null) {
      why = trouble;
      goodSince = { ms: 0, pid: 0 };
    } else if (goodSince.pid === state.pid) {
      if (nowMs - goodSince.ms >= steadyMs) return null;
    } else {
      why = unsteady;
      goodSince = { ms: nowMs, pid: state.pid };
    }
    if (nowMs >= endMs && !isGood()) return why;
    if (nowMs >= endMs + steadyMs) return why;
    if (!(await pause(clock, lookMs, signal))) return "interrupted";
  }
}

function troubleOf(state: GatewayState, before: GatewayState, wanted: string): string | null {
  if (state.version !== wanted) return `the gateway is version ${state.version}, not ${wanted}`;
  const lost = before.healthy.filter((id) => !state.healthy.includes(id));
  if (lost.length > 0) return `not healthy, but healthy before: ${lost.slice(0, 10).join(", ")}`;
  if (state.status === "down" && before.status !== "down") return "no provider is healthy";
  return null;
}
