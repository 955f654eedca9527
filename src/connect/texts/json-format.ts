// JSON as clients write it: strict, with comments, or JSON5. What is put in is strict JSON, which each of them reads.

import { Json5Problem, readJson5, removeFromJson5, setInJson5 } from "../../openclaw/json5-text.ts";
import { type TextFormat, TextProblem } from "./text-format.ts";

function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Json5Problem) throw new TextProblem(error.message.replace("JSON5", "JSON"));
    throw error;
  }
}

const blank = "{}\n";
const filled = (text: string): string => (text.trim() === "" ? blank : text);

export const jsonFormat: TextFormat = {
  blank,
  read: (text) => told(() => readJson5(filled(text))),
  set: (text, path, value) => told(() => setInJson5(filled(text), path, value)),
  remove: (text, path) => told(() => removeFromJson5(filled(text), path)),
};
