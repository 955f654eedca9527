// Arguments of a call in a history: JSON text in the canonical form, an object for every vendor. Truncated or broken ones are
// common where an answer ended at its limit, and vendors that parse them then refuse the whole conversation permanently. It
// must never lose what the model wrote, nor change text that is an object.

import { ignoreNote } from "./adaptation-notes.ts";
import { repairArguments } from "./repair-arguments.ts";
import { isRecord, parseLoosely } from "./decoding.ts";
import type { Note } from "./dialect.ts";

/** Text that is not a JSON object is kept under `arguments`, so that the model sees what it wrote. */
export function toolInput(text: string, note: Note = ignoreNote): Record<string, unknown> {
  if (text.trim() === "") return {};
  const value = parseLoosely(text);
  if (isRecord(value)) return value;
  const meant = parseLoosely(repairArguments(text));
  if (isRecord(meant)) return meant;
  note("tool-input-wrapped");
  return { arguments: text };
}

/** The same for formats that write the object as text: the original text, if it is an object. */
export function toolInputText(text: string, note: Note): string {
  return isRecord(parseLoosely(text)) ? text : JSON.stringify(toolInput(text, note));
}
