// From the command line, the variables and the file to a Config, or to everything that is wrong with them at once.
// It must never change process.env.

import { type ConfigDocument, documentOf, readDocument } from "./document.ts";
import { ConfigProblem } from "./problems.ts";
import { findConfigFile, type FoundFile } from "./search.ts";
import { environmentFor, type LoadedConfig, type LoadInput, settle } from "./settle.ts";
import { isTree } from "./values.ts";

export type { LoadedConfig, LoadInput } from "./settle.ts";

function readConfigFile(input: LoadInput): FoundFile | null {
  const search = findConfigFile(input);
  if ("file" in search) return search.file;
  throw new ConfigProblem([
    {
      path: search.missing,
      line: null,
      key: "",
      message: `the config file (from ${search.namedBy}) cannot be read: ${search.reason}`,
      hint: null,
    },
  ]);
}

function documentOfFile(file: FoundFile | null): ConfigDocument {
  if (file === null) return documentOf({});
  const read = readDocument(file.text);
  const place = { path: file.path, hint: null };
  if ("problem" in read) throw new ConfigProblem([{ ...place, ...read.problem }]);
  if (!isTree(read.document.value))
    throw new ConfigProblem([
      { ...place, line: 1, key: "", message: "the file must be a map of sections such as `providers:`" },
    ]);
  return read.document;
}

/** Throws ConfigProblem. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const file = readConfigFile(input);
  const document = documentOfFile(file);
  const path = file?.path ?? null;
  return settle(input, document, path, environmentFor(input, path, document.value));
}
