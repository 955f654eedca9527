// The errors in a config's values, each with its place: the file's line, a variable or a flag.
// It must never print a value: it may be a key.

import { shortKeyFindings } from "./client-keys.ts";
import { clientSignInFindings } from "./client-sign-in.ts";
import { declaredProviders, keyFindings, nameFindings, vendorKeyFindings } from "./cross-checks.ts";
import { type ConfigDocument, dotted, type Path } from "./document.ts";
import type { Expanded } from "./expand.ts";
import type { Finding } from "./findings.ts";
import { type ConfigSource, type LayeredValue, overrideAt } from "./layered-value.ts";
import { isBelow } from "./loadable-providers.ts";
import type { SkippedProvider } from "./local-servers.ts";
import type { Override } from "./overrides.ts";
import { ownAddressFindings } from "./own-address.ts";
import type { Problem } from "./problems.ts";
import { type Validated, validate } from "./schema-validation.ts";
import { requestLogFindings, tenantFindings } from "./tenant-checks.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

/** The places of a config's values. */
export class WrittenPlaces {
  private readonly document: ConfigDocument;
  private readonly path: string | null;
  private readonly overrides: readonly Override[];
  private readonly leftOut: readonly Path[];

  constructor({ document, path }: ConfigSource, { overrides, sorted }: LayeredValue) {
    this.document = document;
    this.path = path;
    this.overrides = overrides;
    this.leftOut = [...sorted.skipped.map(({ id }) => ["providers", id]), ...sorted.keysLeftOut];
  }

  overrideAt(at: Path): Override | undefined {
    return overrideAt(this.overrides, at);
  }

  /** Nothing overrides it. */
  isFromFile(at: Path): boolean {
    return this.overrideAt(at) === undefined;
  }

  /** It is loaded, and comes from the file. */
  isLive(at: Path): boolean {
    return !isBelow(at, this.leftOut) && this.isFromFile(at);
  }

  /** The file is readable at this place. */
  isSound(at: Path): boolean {
    return this.document.isSound === undefined || !this.isFromFile(at) || this.document.isSound(at);
  }

  /** The file and its line. */
  lineOf(at: Path): string {
    const parts = [this.path, this.document.lineOf(at)];
    return parts.filter((part) => part !== null).join(":");
  }

  problemAt({ path, message, hint }: Pick<Finding, "path" | "message" | "hint">): Problem {
    const override = this.overrideAt(path);
    const key = dotted(path);
    if (override !== undefined) return { path: override.origin, line: null, key: `(${key})`, message, hint };
    return { path: this.path, line: this.document.lineOf(path), key, message, hint };
  }
}

/** All errors except those that only the whole config shows (resolution.ts). */
export function valueProblems(
  { document, fileProblems = [] }: ConfigSource,
  layered: LayeredValue,
  validated: Validated,
  places: WrittenPlaces,
): readonly Problem[] {
  const { expanded, variableLookup, sorted, declared } = layered;
  const unsetPaths = new Set(expanded.unset.map((unset) => dotted(unset.path)));
  const findings = [
    // The unset variable is the cause; an error about the empty value would be redundant.
    ...validated.findings.filter((finding) => !unsetPaths.has(dotted(finding.path))),
    ...skippedProviderFindings(sorted.skipped, declared, expanded.origins),
    ...crossSectionFindings(validated, declared, document),
    ...vendorKeyFindings(sorted.loaded, document.lineOf),
  ].filter((finding) => places.isSound(finding.path));
  const isToldOf = ({ path }: { readonly path: Path }): boolean =>
    places.isLive(path) && places.isSound(path);
  return [
    ...fileProblems,
    ...expanded.malformed.filter(isToldOf).map(({ path, text }) =>
      places.problemAt({
        path,
        message: `"${text}" is not a variable reference`,
        hint: "write ${NAME}, ${NAME:-default} or $${",
      }),
    ),
    ...expanded.unset.filter(isToldOf).map(({ path, variable }) =>
      places.problemAt({
        path,
        message: variableLookup.whyUnset(variable) ?? `the variable ${variable} is not set`,
        hint: `set it, or write \${${variable}:-default}`,
      }),
    ),
    ...layered.refused.map(({ origin, message }) => ({
      path: origin,
      line: null,
      key: "",
      message,
      hint: null,
    })),
    ...findings.map((finding) => places.problemAt(finding)),
  ];
}

export const atWrittenPath =
  ({ placeOf }: Validated) =>
  (finding: Finding): Finding => ({ ...finding, path: placeOf(finding.path) });

/** Checks across sections, as far as the sections that they need are valid. */
function crossSectionFindings(
  validated: Validated,
  declaredTree: Tree,
  { lineOf, isSound = () => true }: ConfigDocument,
): readonly Finding[] {
  if (validated.config === null) return [];
  const declared = declaredProviders(declaredTree);
  const namesAreKnown = namingSections.every((section) => isSound([section]));
  // An alias with a wrong target is still a name.
  const names = valueAt(declaredTree, ["aliases"]);
  const aliases = Object.fromEntries(Object.keys(isTree(names) ? names : {}).map((name) => [name, "auto"]));
  const config = { ...validated.config, aliases: { ...aliases, ...validated.config.aliases } };
  return [
    ...(namesAreKnown ? nameFindings(config, declared) : []),
    // The names that rules refer to are names for a tenant as well.
    ...(namesAreKnown ? tenantFindings(config, declared) : []).filter(
      ({ path: [, , key] }) => key !== "models" || validated.isWhole(["static_rules"]),
    ),
    ...keyFindings(config, lineOf, validated.placeOf).filter(
      ({ path }) => path.length > 2 || validated.isWhole(validated.placeOf(path)),
    ),
    ...shortKeyFindings(config, config.server.host),
    ...clientSignInFindings(config, config.server.host),
    ...ownAddressFindings(config),
    ...(validated.isWhole(["tenants"]) && isSound(["tenants"]) ? requestLogFindings(config) : []),
  ].map(atWrittenPath(validated));
}

/** Sections that define names which others use. */
const namingSections = ["providers", "cli", "aliases", "static_rules"];

/**
 * Errors in a skipped provider would appear only on the day its key arrives: what is written there is checked. What is absent or
 * comes from variables may arrive with the key.
 */
function skippedProviderFindings(
  skipped: readonly SkippedProvider[],
  value: unknown,
  origins: Expanded["origins"],
): readonly Finding[] {
  const asWritten = Object.fromEntries(skipped.map(({ id }) => [id, valueAt(value, ["providers", id])]));
  const { findings } = validate({ providers: asWritten }, origins);
  const isWritten = ({ path }: Finding): boolean =>
    path.length > 2 && valueAt(value, path) !== undefined && !origins.has(dotted(path));
  return findings.filter((finding) => finding.message === "unknown key" || isWritten(finding));
}
