// Arguments of a call: JSON text in the canonical form, an object on this wire.

import { unheard } from "../adapting.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { tidied } from "../call-arguments.ts";
import type { Note } from "../dialect.ts";

/** Text that is no JSON object is kept under `arguments`, so that nothing of what the model wrote is lost. */
export function toolInput(text: string, note: Note = unheard): Record<string, unknown> {
  if (text.trim() === "") return {};
  const value = parseLoosely(text);
  if (isRecord(value)) return value;
  const meant = parseLoosely(tidied(text));
  if (isRecord(meant)) return meant;
  note("tool-input-wrapped");
  return { arguments: text };
}
