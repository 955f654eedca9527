// Checks whether a body that would pass through contains a tool name that its vendor refuses. Such a body is translated: the
// translation fits the names and restores the client's own in the answer. It must never parse the tools of a body whose
// names look right.

import { type JsonScan, memberNamed } from "../wire/json.ts";
import { isRecord, parseLoosely } from "./decoding.ts";
import type { NameRule } from "./tool-names.ts";

const nameWord = Buffer.from('"name"');
const quote = 0x22;

export function holdsUnfitToolName(scan: JsonScan, bytes: Buffer, rule: NameRule): boolean {
  const member = memberNamed(scan, "tools");
  if (member?.kind !== "array") return false;
  const region = bytes.subarray(member.start, member.end);
  for (let at = region.indexOf(nameWord); at >= 0; at = region.indexOf(nameWord, at + nameWord.length)) {
    const start = textBehind(region, at + nameWord.length);
    if (start < 0) continue;
    const name = region.toString("latin1", start, Math.max(start, region.indexOf(quote, start)));
    if (!fits(name, rule)) return namesIn(region).some((each) => !fits(each, rule));
  }
  return false;
}

const fits = (name: string, { pattern, longest }: NameRule): boolean =>
  name.length <= longest && pattern.test(name);

/** Where the string value begins of a member whose name ends at `from`; -1: its value is not a string. */
function textBehind(bytes: Buffer, from: number): number {
  let at = afterSpace(bytes, from);
  if (bytes[at] !== 0x3a) return -1;
  at = afterSpace(bytes, at + 1);
  return bytes[at] === quote ? at + 1 : -1;
}

function afterSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

/** A name elsewhere, for instance in a schema's example, is not a tool's. */
function namesIn(region: Buffer): readonly string[] {
  const tools = parseLoosely(region.toString("utf8"));
  if (!Array.isArray(tools)) return [];
  return tools.filter(isRecord).flatMap((tool) => {
    const declared = tool["functionDeclarations"] ?? tool["function_declarations"];
    const named = Array.isArray(declared) ? declared : [tool, tool["function"]];
    return named.flatMap((each: unknown) =>
      isRecord(each) && typeof each["name"] === "string" ? [each["name"]] : [],
    );
  });
}
