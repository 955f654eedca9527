// Arguments of a call: JSON text in the canonical form, an object on this wire.

import { isRecord, parseLoosely } from "../decoding.ts";

/** Text that is no JSON object is kept under `arguments`, so that nothing of what the model wrote is lost. */
export function toolInput(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  const value = parseLoosely(text);
  return isRecord(value) ? value : { arguments: text };
}
