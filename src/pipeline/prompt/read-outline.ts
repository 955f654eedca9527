// Reads a prompt's outline from the bytes of a body: hashes of its tools, system blocks and messages. It must never keep a word of it,
// nor change a byte.

import type { PromptOutline } from "../../canon/prompt-outline.ts";
import type { PromptLayout } from "../../dialects/prompt-layout.ts";
import { arrayItems, type JsonMember, type JsonScan, memberNamed, skipValue } from "../../wire/json.ts";
import { maxJsonDepth } from "../body/envelope.ts";
import { lastToolCalls } from "./last-tool-calls.ts";
import { fold, hashOf, messageHash, partOf, valueHash, withoutMarks } from "./prompt-hashes.ts";
import { membersOf, wordIn } from "./prompt-items.ts";

const minuteMs = 60_000;
const usualTtlMs = 5 * minuteMs;
/** Claude Code's note for its vendor's bill, which changes and which no cache depends on. */
const billingNote = Buffer.from('"x-anthropic-billing-header:');
const hourMark = Buffer.from('"1h"');
const dayMark = Buffer.from('"24h"');
const systemRoles: ReadonlySet<string> = new Set(["system", "developer"]);

/** Throws BrokenJson where the body is not what its scan said. */
export function readOutline(
  bytes: Buffer,
  scan: JsonScan,
  layout: PromptLayout,
  model: string,
  known: KnownHashes,
): PromptOutline {
  const named = (key: string): JsonMember | undefined => memberNamed(scan, key);
  const tools = layout.tools.flatMap((key) => known.tools(bytes, named(key)));
  const system = layout.system.flatMap((key) => systemHashes(bytes, named(key)));
  const items = itemsOf(bytes, named(layout.messages));
  let firstMessage = 0;
  for (const item of items) {
    if (!systemRoles.has(wordIn(item, "role") ?? "")) break;
    system.push(...contentHashes(item));
    firstMessage++;
  }
  const messages = items.slice(firstMessage).map((item) => known.message(item));
  const options = optionsHash(bytes, scan, layout);
  return {
    tools,
    system,
    messages,
    firstMessage,
    options,
    cacheTtlMs: ttlOf(bytes, scan, layout),
    toolCalls: lastToolCalls(items, layout.modelRole),
    contentHash: contentHash([tools, system, messages, [options, hashOf(model)]]),
  };
}

/** A session sends the same tools and messages with each of its turns: their bytes are looked into once. */
export class KnownHashes {
  private readonly known = new Map<bigint, readonly number[]>();
  private readonly messages = new Map<bigint, number>();

  message(item: Buffer): number {
    const key = Bun.hash.wyhash(item);
    let hash = this.messages.get(key);
    if (hash === undefined) {
      if (this.messages.size >= maxKnownMessages) this.messages.clear();
      this.messages.set(key, (hash = messageHash(item)));
    }
    return hash;
  }

  tools(bytes: Buffer, member: JsonMember | undefined): readonly number[] {
    if (member?.kind !== "array") return [];
    const part = partOf(bytes, member);
    const key = Bun.hash.wyhash(part);
    let hashes = this.known.get(key);
    if (hashes === undefined) {
      if (this.known.size >= maxKnownTools) this.known.clear();
      this.known.set(key, (hashes = toolHashes(part)));
    }
    return hashes;
  }
}

const maxKnownTools = 200;
const maxKnownMessages = 20_000;
/** More are remembered by nobody, and are counted as one part. */
const maxTools = 512;

function toolHashes(bytes: Buffer): readonly number[] {
  const hashes = arrayItems(bytes, 0, maxJsonDepth).flatMap((item) => {
    const tool = partOf(bytes, item);
    const functions = functionList.test(tool.toString("latin1", 0, 64))
      ? membersOf(tool).find(({ kind }) => kind === "array")
      : undefined;
    return functions === undefined
      ? [valueHash(tool)]
      : arrayItems(tool, functions.start, maxJsonDepth).map((each) => valueHash(partOf(tool, each)));
  });
  return hashes.length <= maxTools
    ? hashes
    : [...hashes.slice(0, maxTools - 1), hashes.slice(maxTools - 1).reduce(fold, 0)];
}

/** Google's tools are lists of functions. */
const functionList = /^\{\s*"function_?[dD]eclarations"\s*:/;

function systemHashes(bytes: Buffer, member: JsonMember | undefined): number[] {
  if (member === undefined) return [];
  const value = partOf(bytes, member);
  if (member.kind === "object") {
    const parts = membersOf(value).find(({ key }) => key === "parts");
    return parts === undefined ? [valueHash(value)] : blockHashes(value, parts);
  }
  return blockHashes(bytes, member);
}

/** Of a text, or of an array of blocks. */
function blockHashes(bytes: Buffer, member: JsonMember): number[] {
  if (member.kind === "string") return [valueHash(partOf(bytes, member))];
  if (member.kind !== "array") return [];
  return arrayItems(bytes, member.start, maxJsonDepth)
    .map((item) => partOf(bytes, item))
    .filter((block) => !isBillingNote(block))
    .map((block) => hashOf(textAlone(withoutMarks(block))));
}

const textBlock = Buffer.from('{"type":"text","text":"');

/** The text of a block that holds nothing else: clients write it alone too. */
function textAlone(block: Buffer): Buffer {
  if (!block.subarray(0, textBlock.length).equals(textBlock)) return block;
  const start = textBlock.length - 1;
  const end = skipValue(block, start, maxJsonDepth);
  return end + 1 === block.length ? block.subarray(start, end) : block;
}

/** It stands at the start of its block's text. */
function isBillingNote(block: Buffer): boolean {
  return block.subarray(0, 64 + billingNote.length).includes(billingNote);
}

function itemsOf(bytes: Buffer, member: JsonMember | undefined): readonly Buffer[] {
  // A text alone is a message of the user.
  if (member?.kind === "string")
    return [
      Buffer.concat([Buffer.from('{"role":"user","content":'), partOf(bytes, member), Buffer.from("}")]),
    ];
  if (member?.kind !== "array") return [];
  return arrayItems(bytes, member.start, maxJsonDepth).map((item) => partOf(bytes, item));
}

function contentHashes(message: Buffer): readonly number[] {
  const content = membersOf(message).find(({ key }) => key === "content" || key === "parts");
  return content === undefined ? [] : blockHashes(message, content);
}

function optionsHash(bytes: Buffer, scan: JsonScan, layout: PromptLayout): number {
  let sum = 5;
  const add = (key: string, value: Buffer): void => {
    sum = fold(fold(sum, hashOf(key)), valueHash(value));
  };
  for (const key of layout.options) {
    const member = memberNamed(scan, key);
    if (member !== undefined && member.kind !== "null") add(key, trimmed(partOf(bytes, member)));
  }
  for (const [key, parts] of Object.entries(layout.partialOptions)) {
    const member = memberNamed(scan, key);
    if (member?.kind !== "object") continue;
    const value = partOf(bytes, member);
    for (const part of membersOf(value)) if (parts.includes(part.key)) add(part.key, partOf(value, part));
  }
  return sum;
}

/** A member that was overwritten by a shorter one ends in spaces. */
function trimmed(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && value[end - 1] === 0x20) end--;
  return value.subarray(0, end);
}

function ttlOf(bytes: Buffer, scan: JsonScan, { hasLongCache }: PromptLayout): number {
  const retention = memberNamed(scan, "prompt_cache_retention");
  if (retention !== undefined && partOf(bytes, retention).includes(dayMark)) return 24 * 60 * minuteMs;
  return hasLongCache && bytes.includes(hourMark) ? 60 * minuteMs : usualTtlMs;
}

function contentHash(parts: readonly (readonly number[])[]): string {
  let [one, other] = [7, 11];
  for (const part of parts) {
    one = fold(one, part.length);
    for (const each of part) {
      one = fold(one, each);
      other = fold(other ^ 0x5bd1_e995, each);
    }
  }
  return one.toString(16).padStart(8, "0") + other.toString(16).padStart(8, "0");
}
