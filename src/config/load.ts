// From the command line, the variables and the file to a Config, or to everything that is wrong with them at once.
// It must never change process.env.

import { type ConfigDocument, documentOf, readDocument } from "./document.ts";
import { ConfigProblem } from "./problems.ts";
import { findConfigFile, type FoundFile, type Search } from "./search.ts";
import { type LoadedConfig, settle } from "./settle.ts";
import { environmentFor, type LoadInput } from "./surroundings.ts";
import { isTree } from "./values.ts";

export type { LoadedConfig } from "./settle.ts";
export type { LoadInput } from "./surroundings.ts";

function readConfigFile(input: LoadInput): Extract<Search, { file: unknown }> {
  const search = findConfigFile(input);
  if ("file" in search) return search;
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

/** Says first which file is there and was not believed. */
export function withUnread(loaded: LoadedConfig, unread: readonly string[]): LoadedConfig {
  if (unread.length === 0) return loaded;
  const { notices, distrusted } = loaded;
  return { ...loaded, notices: [...unread, ...notices], distrusted: [...unread, ...distrusted] };
}

/** Throws ConfigProblem. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const { file, notices } = readConfigFile(input);
  const document = documentOfFile(file);
  const path = file?.path ?? null;
  const loaded = settle(input, document, path, environmentFor(input, path, document.value));
  return withUnread(loaded, notices);
}
