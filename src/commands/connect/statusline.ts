// `clawgate statusline`: one line for Claude Code's status bar. It is started after every answer, so it must be quick, must always print
// something, and must never fail.

import { findGateway, memberOf, type RunningGateway } from "../running-gateway.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { gatewayEnvironment } from "../gateway-options.ts";
import { cut, plain } from "../terminal.ts";

const help = `Usage: clawgate statusline

Reads the JSON that Claude Code gives to its status line on standard input and prints the model that answered, what this session has
cost and how much of it came from the cache, as the gateway recorded it; without an answer of the gateway within 0.3 s, what Claude Code
says itself. clawgate connect claude-code sets it up.
`;

const limitMs = 300;
const mostBytes = 1024 * 1024;
const widest = 40;

type Shown = {
  readonly model: string | null;
  readonly costUsd: number | null;
  readonly cachePct: number | null;
};

async function run(context: CommandContext): Promise<number> {
  const late = new Promise<null>((resolve) => void setTimeout(() => resolve(null), limitMs));
  const input = await Promise.race([readInput(), late]);
  const session = memberOf(input, "session_id");
  const recorded =
    typeof session === "string" && session !== ""
      ? await Promise.race([recordedOf(context, session.slice(0, 200)), late])
      : null;
  context.stdout.write(`${lineOf(recorded, toldBy(input))}\n`);
  return exitCodes.ok;
}

async function readInput(): Promise<unknown> {
  if (process.stdin.isTTY) return null;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of Bun.stdin.stream()) {
    bytes += piece.length;
    if (bytes > mostBytes) return null;
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8")) as unknown;
  } catch {
    // The status bar shows what there is.
    return null;
  }
}

const numberIn = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
const textIn = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

function toldBy(input: unknown): Shown {
  const model = memberOf(input, "model");
  const usage = memberOf(memberOf(input, "context_window"), "current_usage");
  const [read, written, fresh] = [
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "input_tokens",
  ].map((name) => numberIn(memberOf(usage, name)) ?? 0);
  const all = (read ?? 0) + (written ?? 0) + (fresh ?? 0);
  return {
    model: textIn(memberOf(model, "display_name")) ?? textIn(memberOf(model, "id")),
    costUsd: numberIn(memberOf(memberOf(input, "cost"), "total_cost_usd")),
    cachePct: all === 0 ? null : (100 * (read ?? 0)) / all,
  };
}

const nothing: Shown = { model: null, costUsd: null, cachePct: null };

/** Null: the gateway does not answer. A session without a finished request has cost nothing that is known. */
async function recordedOf(context: CommandContext, session: string): Promise<Shown | null> {
  try {
    const found = await findGateway(context, gatewayEnvironment(context, {}), true);
    if ("why" in found) return null;
    const query = `session=${encodeURIComponent(session)}&limit=1`;
    const [sessions, requests] = await Promise.all([
      bodyOf(found, `/api/sessions?${query}`),
      bodyOf(found, `/api/requests?${query}`),
    ]);
    const row = firstOf(memberOf(sessions, "sessions"));
    if (row === undefined) return nothing;
    return {
      model: textIn(memberOf(firstOf(memberOf(requests, "requests")), "model")),
      costUsd: numberIn(memberOf(row, "cost_usd")),
      cachePct: numberIn(memberOf(row, "cache_hit_pct")),
    };
  } catch {
    // Whatever is wrong with config, state or gateway: `clawgate doctor` says it, a status bar does not.
    return null;
  }
}

const firstOf = (list: unknown): unknown => (Array.isArray(list) ? (list[0] as unknown) : undefined);

const bodyOf = (gateway: RunningGateway, path: string): Promise<unknown> =>
  gateway.askForBody({ method: "GET", path, timeoutMs: limitMs });

function lineOf(recorded: Shown | null, told: Shown): string {
  const { model, costUsd, cachePct } = {
    model: recorded?.model ?? told.model,
    costUsd: recorded?.costUsd ?? told.costUsd,
    cachePct: recorded?.cachePct ?? told.cachePct,
  };
  const parts = [
    recorded === null ? "ClawGate (not answering)" : "ClawGate",
    ...(model === null ? [] : [cut(plain(model), widest)]),
    ...(costUsd === null ? [] : [`$${costUsd.toFixed(costUsd !== 0 && costUsd < 1 ? 4 : 2)}`]),
    ...(cachePct === null ? [] : [`cache ${Math.round(cachePct)} %`]),
  ];
  return parts.join(" · ");
}

export const statusline: Command = {
  name: "statusline",
  summary: "one line for Claude Code's status bar",
  help,
  run,
};
