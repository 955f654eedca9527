// Removes from a body whatever would make the upstream use another model than the one that was checked (model-choices.ts),
// for tenants whose models, providers or budgets are limited. It must never touch any other body.

import { safeName } from "../../dialects/adaptation-notes.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { type JsonMember, scanObject } from "../../wire/json.ts";
import { type Envelope, maxJsonDepth } from "../body/envelope.ts";
import { withoutChoosingFields } from "../body/form.ts";
import {
  choosesInTool,
  choosingBetas,
  isDropped,
  isModelTool,
  isSchema,
  belongsToTool,
  normalizedName,
  pricedMembers,
  treatmentOf,
} from "./model-choices.ts";

export type Guarded = {
  readonly envelope: Envelope;
  /** As `X-ClawGate-Adapted` names it. */
  readonly dropped: readonly string[];
};

/** The encoder's note for a member that a format cannot express. */
const dropWord = "member-dropped:";

type Drop = (name: string) => void;
/** Keep the bytes, replace the value, or drop it. */
type Replacement = "as it is" | "gone" | { readonly json: string };

/** `isModelInPath`: a `model` in the body has no effect. `keepsPrice`: members that change the price of the same model are removed as well. */
export function withoutModelChoices(
  envelope: Envelope,
  isModelInPath: boolean,
  keepsPrice: boolean,
): Guarded {
  const { bytes, scan, form } = envelope;
  const dropped: string[] = [];
  const drop: Drop = (name) => void dropped.push(dropWord + safeName(name));
  if (form !== undefined) {
    const kept = withoutChoosingFields(envelope, form, keepsPrice);
    kept.dropped.forEach(drop);
    return { envelope: kept.envelope, dropped };
  }
  const guard: Guard = { envelope, isModelInPath, keepsPrice, drop };
  const judged = scan.members.map((member): [JsonMember, Replacement] => [
    member,
    replacementOf(member, guard),
  ]);
  const members = withoutLostChoice(judged, bytes, drop);
  if (members.every(([, kept]) => kept === "as it is")) return { envelope, dropped };
  const parts: Buffer[] = [];
  for (const [{ key, start, end }, kept] of members) {
    if (kept === "gone") continue;
    parts.push(Buffer.from(`${parts.length === 0 ? "{" : ","}${JSON.stringify(key)}:`));
    parts.push(kept === "as it is" ? bytes.subarray(start, end) : Buffer.from(kept.json));
  }
  parts.push(Buffer.from(parts.length === 0 ? "{}" : "}"));
  const rest = Buffer.concat(parts);
  return { envelope: { ...envelope, bytes: rest, scan: scanObject(rest, maxJsonDepth) }, dropped };
}

/** The client's betas without those that enable what is dropped; null: none is left. */
export function withoutChoosingBetas(betas: string): string | null {
  if (!choosingBetas.test(betas)) return betas;
  const kept = betas.split(",").filter((beta) => !choosingBetas.test(beta));
  return kept.length === 0 ? null : kept.join(",");
}

/** The rules for the members of one body. */
type Guard = {
  readonly envelope: Envelope;
  readonly isModelInPath: boolean;
  readonly keepsPrice: boolean;
  readonly drop: Drop;
};

function replacementOf(
  member: JsonMember,
  { envelope, isModelInPath, keepsPrice, drop }: Guard,
): Replacement {
  const { bytes, model } = envelope;
  const { key, kind, start, end } = member;
  const value = (): unknown => parseLoosely(bytes.toString("utf8", start, end));
  if (isModelInPath && key === "model") {
    const written = value();
    if (written !== `models/${model}` && written !== model && written !== null) drop(key);
    return "gone";
  }
  const priced = keepsPrice && kind !== "null" ? pricedMembers.get(normalizedName(key)) : undefined;
  if (priced !== undefined) {
    const written = value();
    const word = typeof written === "number" ? String(written) : written;
    if (typeof word === "string" && priced.test(word)) return "as it is";
    drop(key);
    return "gone";
  }
  if (normalizedName(key) === "tools") return kind === "array" ? keptTools(value(), key, drop) : "as it is";
  const treatment = treatmentOf(key);
  if (treatment === "stays") return "as it is";
  if (treatment === "goes") {
    if (kind !== "null") drop(key);
    return "gone";
  }
  if (treatment === "request") {
    if (kind !== "object") return "as it is";
    const inner = bytes.subarray(start, end);
    const held = { ...envelope, bytes: inner, scan: scanObject(inner, maxJsonDepth) };
    const kept = withoutModelChoices(held, isModelInPath, keepsPrice);
    for (const word of kept.dropped) drop(`${key}.${word.slice(dropWord.length)}`);
    return kept.envelope === held ? "as it is" : { json: kept.envelope.bytes.toString("utf8") };
  }
  if (kind !== "object" && kind !== "array") {
    if (kind === "null" || !isDropped(treatment.drops, key)) return "as it is";
    drop(key);
    return "gone";
  }
  const found: string[] = [];
  const rest = pruned(
    value(),
    (name) => isDropped(treatment.drops, name),
    key,
    (name) => void found.push(name),
  );
  if (found.length === 0) return "as it is";
  found.forEach(drop);
  const isEmpty = isRecord(rest) && Object.keys(rest).length === 0;
  return isEmpty ? "gone" : { json: JSON.stringify(rest) };
}

/** A copy without the members that match `isChoice`, at every depth. `drop` receives their full paths. */
function pruned(value: unknown, isChoice: (key: string) => boolean, place: string, drop: Drop): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => pruned(each, isChoice, place, drop));
  if (!isRecord(value)) return value;
  // Entries instead of a spread: a member may be called __proto__.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
      const path = `${place}.${key}`;
      if (!isChoice(key)) return [[key, isSchema(key) ? inner : pruned(inner, isChoice, path, drop)]];
      if (inner !== null) drop(path);
      return [];
    }),
  );
}

function keptTools(tools: unknown, key: string, drop: Drop): Replacement {
  if (!Array.isArray(tools)) return "as it is";
  let isChanged = false;
  const rest = tools.flatMap((tool: unknown) =>
    keptTool(tool, key, (name) => {
      isChanged = true;
      drop(name);
    }),
  );
  if (!isChanged) return "as it is";
  return rest.length === 0 ? "gone" : { json: JSON.stringify(rest) };
}

/** Empty: the tool is another model. */
function keptTool(tool: unknown, place: string, drop: Drop): readonly unknown[] {
  if (!isRecord(tool)) return [tool];
  const type = typeof tool["type"] === "string" ? tool["type"] : "";
  if (isModelTool(type)) {
    drop(`${place}.${type}`);
    return [];
  }
  const isClients = type === "" || type === "function" || type === "custom";
  const kept = Object.entries(tool).flatMap(([key, value]): [string, unknown][] => {
    if (belongsToTool(key) || (isClients && isSchema(key))) return [[key, value]];
    const path = `${place}.${key}`;
    if (normalizedName(key) === "tools" && Array.isArray(value))
      return [[key, value.flatMap((inner: unknown) => keptTool(inner, path, drop))]];
    if (choosesInTool(key)) {
      if (value !== null) drop(path);
      return [];
    }
    return [[key, pruned(value, choosesInTool, path, drop)]];
  });
  return [Object.fromEntries(kept)];
}

/** The vendor would refuse a tool choice that names a removed tool. */
function withoutLostChoice(
  members: readonly [JsonMember, Replacement][],
  bytes: Buffer,
  drop: Drop,
): readonly [JsonMember, Replacement][] {
  const lost = new Set<string>();
  for (const [{ key, start, end }, kept] of members) {
    if (kept === "as it is" || normalizedName(key) !== "tools") continue;
    const before = toolWords(parseLoosely(bytes.toString("utf8", start, end)));
    const after = new Set(kept === "gone" ? [] : toolWords(parseLoosely(kept.json)));
    for (const word of before) if (!after.has(word)) lost.add(word);
    if (kept === "gone") lost.add("required").add("any");
  }
  if (lost.size === 0) return members;
  return members.map(([member, kept]): [JsonMember, Replacement] => {
    if (normalizedName(member.key) !== "toolchoice") return [member, kept];
    const choice = parseLoosely(bytes.toString("utf8", member.start, member.end));
    const words = isRecord(choice) ? [choice["name"], choice["type"]] : [choice];
    if (!words.some((word) => typeof word === "string" && lost.has(word))) return [member, kept];
    drop(member.key);
    return [member, "gone"];
  });
}

/** How a tool choice may name a tool: by its name, or by a vendor's own type. */
function toolWords(tools: unknown): readonly string[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) =>
    isRecord(tool) ? [tool["name"], tool["type"]].filter((word) => typeof word === "string") : [],
  );
}
