// From the command line, the variables and the file to a Config, or to all errors at once.
// It must never change process.env.

import { type ConfigDocument, documentOf, readDocument } from "./document.ts";
import { ConfigProblem, type Problem } from "./problems.ts";
import { findConfigFile, type FoundFile, isUnnamed, type Search } from "./search.ts";
import { type LoadedConfig, resolveConfig } from "./resolution.ts";
import { resolveEnvironment, type LoadInput } from "./resolved-environment.ts";
import { isTree } from "./values.ts";

export type { LoadedConfig } from "./resolution.ts";
export type { LoadInput } from "./resolved-environment.ts";

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

type ReadResult = {
  readonly document: ConfigDocument;
  readonly problems: readonly Problem[];
  /** What became of another program's settings. Absent: the file is ours. */
  readonly notices?: readonly string[];
};

/** Throws ConfigProblem if nothing in the file can be checked. */
function documentOfFile(file: FoundFile | null, input: LoadInput): ReadResult {
  if (file === null) return { document: documentOf({}), problems: [] };
  const { documentOf: known } = input;
  const foreign = isUnnamed(input, file.path) ? null : (input.readForeign?.(file) ?? null);
  if (foreign !== null)
    return { document: documentOf(foreign.value), problems: [], notices: foreign.notices };
  const read = known?.(file.text) ?? readDocument(file.text);
  const place = { path: file.path, hint: null };
  const problems = "problem" in read ? read.problems.map((each) => ({ ...place, ...each })) : [];
  const document = "problem" in read ? read.rest : read.document;
  if (document !== null && isTree(document.value)) return { document, problems };
  const notAMap = {
    ...place,
    line: 1,
    key: "",
    message: "the file must be a map of sections such as `providers:`",
  };
  throw new ConfigProblem(problems.length === 0 ? [notAMap] : problems);
}

/** Reports first which file exists and is not trusted. */
export function withUnreadNotices(loaded: LoadedConfig, unread: readonly string[]): LoadedConfig {
  if (unread.length === 0) return loaded;
  const { notices, untrustedNotices } = loaded;
  return { ...loaded, notices: [...unread, ...notices], untrustedNotices: [...unread, ...untrustedNotices] };
}

/** Throws ConfigProblem. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const { file, notices } = readConfigFile(input);
  const { document, problems, notices: ofFile } = documentOfFile(file, input);
  const path = file?.path ?? null;
  const loaded = resolveConfig({
    input,
    document,
    path,
    resolvedEnvironment: resolveEnvironment(input, path, document.value),
    fileProblems: problems,
  });
  if (ofFile === undefined) return withUnreadNotices(loaded, notices);
  const foreign = { ...loaded, isForeign: true, notices: [...ofFile, ...loaded.notices] };
  return withUnreadNotices(foreign, notices);
}
