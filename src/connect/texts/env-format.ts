// `.env` lines: a path has one step, the variable's name.

import { parseEnv } from "node:util";
import { removeFromDotEnv, setInDotEnv } from "../../openclaw/dot-env.ts";
import { type Path, type TextFormat, TextProblem } from "./text-format.ts";

function nameOf(path: Path): string {
  const [name] = path;
  if (path.length !== 1 || typeof name !== "string")
    throw new TextProblem("a .env file has no nested values");
  return name;
}

export const envFormat: TextFormat = {
  blank: "",
  read: (text) => ({ ...parseEnv(text.replace(/^\uFEFF/, "")) }),
  set: (text, path, value) => setInDotEnv(text, { [nameOf(path)]: String(value) }),
  remove: (text, path) => removeFromDotEnv(text, [nameOf(path)]),
};
