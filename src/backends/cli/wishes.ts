// What a client asks of the CLI rather than of a model: reasoning effort and MCP servers, by header or in `metadata`.
// Reading never refuses: only the backend that could follow a wish may say that it is wrong.

import type { Wishes } from "../backend.ts";
import { noWishes } from "../backend.ts";
import { efforts, isEffort, type Effort, nearestEffort } from "../../canon/effort.ts";
import { Failure } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { isRecord } from "../../dialects/decoding.ts";

/** Levels that the program takes by `--effort`. */
export const cliEfforts = ["low", "medium", "high", "xhigh", "max"] as const;
export type CliEffort = (typeof cliEfforts)[number];

const mostServers = 64;

export function wishesIn(headers: Pick<Headers, "get">, metadata: unknown): Wishes {
  const wantedEffort = headers.get("x-effort");
  const wantedServers = headers.get("x-mcp-servers");
  if (wantedEffort === null && wantedServers === null && metadata === null) return noWishes;
  const written = isRecord(metadata) ? metadata : {};
  const effort = wordIn(wantedEffort) ?? wordIn(written["effort"]);
  const mcpServers = [...namesIn(wantedServers), ...namesIn(written["mcp_servers"])];
  if (effort === null && mcpServers.length === 0) return noWishes;
  return { effort, mcpServers: [...new Set(mcpServers)].slice(0, mostServers) };
}

function wordIn(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const word = (typeof value === "string" ? value : JSON.stringify(value)).trim().toLowerCase();
  return word === "" ? null : word.slice(0, 100);
}

/** A list of names, or one text with commas: OpenAI's metadata can hold nothing else. */
function namesIn(value: unknown): readonly string[] {
  if (value === null || value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list
    .flatMap((each) => (typeof each === "string" ? each.split(",") : [JSON.stringify(each)]))
    .map((name) => name.trim().slice(0, 100))
    .filter((name) => name !== "");
}

export type EffortQuestion = {
  readonly wishes: Wishes;
  readonly request: Pick<ChatRequest, "effort">;
  /** The operator's own, when nobody says anything. */
  readonly preset: Effort | null;
  /** What the model takes: null when nobody knows, empty when it takes none. */
  readonly levels: readonly string[] | null;
};

/** `isUnsupported`: the client asked for an effort, and this model has none. */
export type SettledEffort = { readonly effort: CliEffort | null; readonly isUnsupported: boolean };

/**
 * A word meant for the CLI (`x-effort`, `metadata.effort`) must be one that the model takes. One that came in a format's own
 * field was meant for any model, and the operator's for every model: the nearest level is taken.
 * Throws Failure `invalid-request`.
 */
export function settleEffort({ wishes, request, preset, levels }: EffortQuestion): SettledEffort {
  const allowed = levels === null ? cliEfforts : cliEfforts.filter((level) => levels.includes(level));
  const { effort: wish } = wishes;
  if (wish !== null) {
    const level = cliEfforts.find((each) => each === wish);
    if (level === undefined && !(isEffort(wish) && allowed.length === 0)) throw wrongEffort(wish, allowed);
    if (allowed.length === 0) return { effort: null, isUnsupported: true };
    if (level === undefined || !allowed.includes(level)) throw wrongEffort(wish, allowed);
    return { effort: level, isUnsupported: false };
  }
  const wanted = request.effort ?? preset;
  if (wanted === null) return { effort: null, isUnsupported: false };
  const effort = nearestEffort(wanted, allowed);
  return {
    effort: cliEfforts.find((each) => each === effort) ?? null,
    isUnsupported: request.effort !== null && effort === null,
  };
}

/** The operator's effort as a level of the program's; `none` is not one. */
export function presetEffort(preset: Effort | null, levels: readonly string[] | null): CliEffort | null {
  if (preset === null || preset === "none") return null;
  return settleEffort({ wishes: noWishes, request: { effort: null }, preset, levels }).effort;
}

function wrongEffort(wish: string, allowed: readonly CliEffort[]): Failure {
  const values = (allowed.length === 0 ? cliEfforts : allowed).join(", ");
  const isLevel = (efforts as readonly string[]).includes(wish);
  const words = isLevel ? "This model does not take the effort" : "There is no effort";
  return new Failure("invalid-request", `${words} "${shown(wish)}". It takes: ${values}.`, {
    param: "effort",
    code: "invalid_effort",
  });
}

/** The client's own words, made safe to repeat. */
export function shown(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 60);
}
