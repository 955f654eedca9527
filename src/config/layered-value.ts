// A document with variables, overrides and flags applied, without the programs that a found config may not start and without the
// providers that cannot be loaded. It must never validate values: schema validation does.

import { defaultPort } from "../server/settings.ts";
import { withCliSection } from "./cli-section.ts";
import type { ConfigDocument, Path } from "./document.ts";
import { type Expanded, expand } from "./expand.ts";
import { type Folder, withoutFolderPrograms } from "./found-programs.ts";
import { isBelow, type SortedProviders, sortProviders } from "./loadable-providers.ts";
import { type Override, overridesOf } from "./overrides.ts";
import type { Problem } from "./problems.ts";
import type { LoadInput, ResolvedEnvironment } from "./resolved-environment.ts";
import { isUnnamed } from "./search.ts";
import { isTree, type Tree, valueAt, withoutNulls, withValueAt } from "./values.ts";
import { createVariableLookup } from "./variable-sources.ts";

export type ConfigSource = {
  readonly input: LoadInput;
  readonly document: ConfigDocument;
  /** Null: there is no file. */
  readonly path: string | null;
  readonly resolvedEnvironment: ResolvedEnvironment;
  /** Problems of the file itself. */
  readonly fileProblems?: readonly Problem[];
};

export type LayeredValue = {
  /** The file was found, not named. */
  readonly isFound: boolean;
  readonly folder: Folder;
  readonly written: unknown;
  readonly expanded: Expanded;
  readonly variableLookup: ReturnType<typeof createVariableLookup>;
  /** Programs of the folder that are left out, a line each. */
  readonly programNotices: readonly string[];
  readonly overrides: readonly Override[];
  /** Overrides that are invalid. */
  readonly refused: ReturnType<typeof overridesOf>["refused"];
  /** With all providers. */
  readonly declared: Tree;
  readonly sorted: SortedProviders;
  /** With those that can be loaded. */
  readonly value: Tree;
};

export function layeredValue({ input, document, path, resolvedEnvironment }: ConfigSource): LayeredValue {
  const { environment } = resolvedEnvironment;
  const written = withoutNulls(document.value);
  const isFound = path !== null && isUnnamed(input, path);
  const folder: Folder = { path: input.workingDirectory, environment };
  const variableLookup = createVariableLookup(resolvedEnvironment, written, isFound);
  const expanded = expand(isTree(written) ? written : {}, variableLookup.lookup);
  const expandedTree = isTree(expanded.value) ? expanded.value : {};
  const { overrides, refused } = overridesOf(expandedTree, environment, input.flags ?? {});
  const complete = withCliSection(withOverrides(expandedTree, overrides), overrides);
  const isFromFile = (at: Path): boolean => overrideAt(overrides, at) === undefined;
  const {
    value: declared,
    refused: refusedProviders,
    notices: programNotices,
  } = isFound
    ? withoutFolderPrograms(complete, written, isFromFile, folder)
    : { value: complete, refused: null, notices: [] };
  const sorted = sortProviders(
    { ...expanded, value: declared },
    {
      available: input.availableBackends,
      environment,
      refused: refusedProviders,
      local: localServersOf(input, declared),
    },
  );
  const value = isMapOrAbsent(declared["providers"]) ? { ...declared, providers: sorted.loaded } : declared;
  return {
    isFound,
    folder,
    written,
    expanded,
    variableLookup,
    programNotices,
    overrides,
    refused,
    declared,
    sorted,
    value,
  };
}

/** The variable or flag that sets this value; undefined: the file does. */
export function overrideAt(overrides: readonly Override[], at: Path): Override | undefined {
  return overrides.findLast((override) => isBelow(at, [override.path]));
}

function withOverrides(tree: Tree, overrides: readonly Override[]): Tree {
  // A section that is not a map would disappear under the override, and its error with it.
  const overridden = overrides.reduce<unknown>(
    (value, override) =>
      isMapOrAbsent(valueAt(tree, override.path.slice(0, -1)))
        ? withValueAt(value, override.path, override.value)
        : value,
    tree,
  );
  return isTree(overridden) ? overridden : {};
}

function localServersOf(input: LoadInput, declared: Tree) {
  if (input.localServers === undefined) return null;
  return {
    rows: input.localServers,
    answers: input.localAnswers ?? new Map(),
    ownPort: valueAt(declared, ["server", "port"]) ?? defaultPort,
  };
}

function isMapOrAbsent(value: unknown): boolean {
  return value === undefined || isTree(value);
}
