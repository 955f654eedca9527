// Reads a scenario's files: one conversation as every station sees it. A file that is missing is an error with its path.
// It must never decode or encode anything itself.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { StreamEvent } from "../../src/canon/event.ts";
import { Failure, type FailureKind } from "../../src/canon/failure.ts";
import type { Reply } from "../../src/canon/reply.ts";
import type { ChatRequest, DialectName } from "../../src/canon/request.ts";
import { type Dialect, type FullDialect, isFull } from "../../src/dialects/dialect.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";

/** The names come from what breaks. */
export const scenarioNames = [
  "text",
  "thinking",
  "tool-call",
  "parallel-tools",
  "tool-result-image",
  "empty-answer",
  "stop-at-limit",
  "refused",
  "cut-short",
  "error-mid-stream",
  "cached-usage",
  "long-tool-id",
  "lone-surrogate",
  "client-gone",
  "slow-first-word",
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** The table of dialects decides: a dialect that is announced there and has no files here fails by name. */
export const dialectNames: readonly DialectName[] = announced().map((dialect) => dialect.name);

/** Those that both clients and vendors speak. */
function announced(): readonly FullDialect[] {
  const all: readonly Dialect[] = Object.values(dialects);
  return all.filter(isFull);
}

export type JsonBody = Readonly<Record<string, unknown>>;

/** The conversation in one dialect. `reply` is null where the stream fails. */
export type Side = {
  readonly request: JsonBody;
  readonly sse: Buffer;
  readonly reply: { readonly text: string; readonly value: unknown } | null;
};

/** The conversation in canonical form. Ids and model names of answers are each vendor's own: here they say ID and MODEL. */
export type Canonical = {
  readonly request: ChatRequest;
  readonly events: readonly StreamEvent[];
  /** Why the stream fails; null when it ends well. */
  readonly failure: FailureKind | null;
  readonly reply: Reply | null;
};

const root = import.meta.dir;

const pathOf = (scenario: ScenarioName, file: string): string => join(root, scenario, file);

/** Folders of scenarios that exist on disk. */
export function foldersOnDisk(): string[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

export function fails(scenario: ScenarioName): boolean {
  return existsSync(pathOf(scenario, "events.jsonl")) && canonicalOf(scenario).failure !== null;
}

/** What a scenario must have and has not, as paths below the checkout; also what it has and must not have. */
export function gapsOf(scenario: ScenarioName): string[] {
  const always = [
    "request.json",
    "events.jsonl",
    ...dialectNames.flatMap((d) => [`${d}.request.json`, `${d}.sse`]),
  ];
  const replies = ["reply.json", ...dialectNames.map((d) => `${d}.reply.json`)];
  const shown = (file: string): string => relative(join(root, "..", ".."), pathOf(scenario, file));
  const isThere = (file: string): boolean => existsSync(pathOf(scenario, file));
  const isFailing = fails(scenario);
  const wanted = isFailing ? always : [...always, ...replies];
  return [
    ...wanted.flatMap((file) => (isThere(file) ? [] : [`missing: ${shown(file)}`])),
    ...(isFailing
      ? replies.flatMap((file) => (isThere(file) ? [`of a failed stream: ${shown(file)}`] : []))
      : []),
  ];
}

function readBytes(scenario: ScenarioName, file: string): Buffer {
  const path = pathOf(scenario, file);
  if (!existsSync(path)) throw new Error(`missing: test/scenarios/${scenario}/${file}`);
  return readFileSync(path);
}

// The casts below say what the files of this folder hold; the tests would fail on anything else.
const readJson = <T>(scenario: ScenarioName, file: string): T =>
  JSON.parse(readBytes(scenario, file).toString()) as T;

type Line =
  Exclude<StreamEvent, { type: "failure" }> | { readonly type: "failure"; readonly kind: FailureKind };

export function canonicalOf(scenario: ScenarioName): Canonical {
  const lines = readBytes(scenario, "events.jsonl")
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
  const events = lines.map((line): StreamEvent =>
    line.type === "failure" ? { type: "failure", failure: new Failure(line.kind, "as scripted") } : line,
  );
  const last = lines.at(-1);
  const failure = last?.type === "failure" ? last.kind : null;
  return {
    request: readJson<ChatRequest>(scenario, "request.json"),
    events,
    failure,
    reply: failure === null ? readJson<Reply>(scenario, "reply.json") : null,
  };
}

export function sideOf(scenario: ScenarioName, dialect: DialectName): Side {
  const isFailing = fails(scenario);
  const text = isFailing ? null : readBytes(scenario, `${dialect}.reply.json`).toString();
  return {
    request: readJson<JsonBody>(scenario, `${dialect}.request.json`),
    sse: readBytes(scenario, `${dialect}.sse`),
    reply: text === null ? null : { text, value: JSON.parse(text) as unknown },
  };
}
