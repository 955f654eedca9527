// Checks across sections: names that must exist, keys that must differ, and access that must not be open to everyone.

import { createHash } from "node:crypto";
import { nearest } from "../canon/nearest.ts";
import { hashedKeyPattern, keysOfTenant } from "../tenants/settings.ts";
import { asksForKeys, isLoopback, shortKeyFindings } from "./client-keys.ts";
import { clientSignInFindings } from "./client-sign-in.ts";
import { dotted, type Path } from "./document.ts";
import type { Finding } from "./findings.ts";
import { ConfigProblem, didYouMean } from "./problems.ts";
import { keysOf } from "./loadable-providers.ts";
import type { Config } from "./schema.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

export type CheckedConfig = Omit<Config, "fallback_chain" | "mcp_servers"> & {
  readonly fallback_chain?: readonly string[] | undefined;
};

/** Providers as declared, including skipped ones, with the model names that each lists. */
export type DeclaredModels = ReadonlyMap<string, readonly string[]>;

export function declaredProviders(value: unknown): DeclaredModels {
  const providers = valueAt(value, ["providers"]);
  const names = new Map<string, readonly string[]>();
  for (const [id, provider] of isTree(providers) ? Object.entries(providers) : []) {
    const listed = valueAt(provider, ["models"]);
    const models: readonly unknown[] = Array.isArray(listed) ? listed : [];
    const ids = models.map((entry) => (typeof entry === "string" ? entry : valueAt(entry, ["id"])));
    names.set(
      id,
      [valueAt(provider, ["model"]), ...ids].filter((model) => typeof model === "string"),
    );
  }
  return names;
}

/** Names that the CLI itself knows, with the prefixes that its forerunners accepted. */
const cliModel =
  /^(claude-code-cli\/|claude-max\/|cc-gateway\/|openai\/)?(claude-.+|(opus|sonnet|haiku)(-4(-[56])?)?$|fable$)/i;

/** Whether a name in the config means a provider, one of its models, or a name of the CLI. */
export function targetTest(config: CheckedConfig, declared: DeclaredModels): (name: string) => boolean {
  const listed = new Set([...declared.values()].flat());
  const hasCli =
    config.cli !== undefined ||
    declared.has("claude-cli") ||
    Object.values(config.providers).some((each) => each.backend === "claude-cli");
  return (name) => {
    const slash = name.indexOf("/");
    if (declared.has(name) || listed.has(name)) return true;
    if (slash > 0 && slash < name.length - 1 && declared.has(name.slice(0, slash))) return true;
    return hasCli && cliModel.test(name);
  };
}

export function nameFindings(config: CheckedConfig, declared: DeclaredModels): readonly Finding[] {
  const findings: Finding[] = [];
  const ids = [...declared.keys()];
  const listed = new Set([...declared.values()].flat());
  const isTarget = targetTest(config, declared);
  const complain = (path: Path, name: string, known: Iterable<string>, what: string): void => {
    findings.push({
      path,
      message: `"${name}" is not ${what}`,
      hint: didYouMean(nearest(name, known)),
      expected: null,
    });
  };
  const demandTarget = (path: Path, name: string | undefined): void => {
    if (name !== undefined && !isTarget(name))
      complain(path, name, [...ids, ...listed], "a declared provider, provider/model or listed model");
  };

  const chain = config.fallback_chain ?? [];
  for (const [index, id] of chain.entries()) {
    const path: Path = ["fallback_chain", index];
    if (!declared.has(id)) complain(path, id, ids, "a declared provider");
    else if (chain.indexOf(id) < index)
      findings.push({ path, message: `"${id}" is listed twice`, hint: null, expected: null });
  }
  for (const [alias, target] of Object.entries(config.aliases)) {
    if (alias.toLowerCase() === "auto")
      findings.push({
        path: ["aliases", alias],
        message: "`auto` is the router's own name",
        hint: null,
        expected: null,
      });
    if (target !== "auto") demandTarget(["aliases", alias], target);
  }
  const fallbackModel = config.default_model;
  if (fallbackModel !== undefined && fallbackModel !== "auto" && !isTarget(fallbackModel)) {
    const known = [...ids, ...listed, ...Object.keys(config.aliases)];
    if (!Object.hasOwn(config.aliases, fallbackModel))
      complain(["default_model"], fallbackModel, known, "a declared provider, model or alias");
  }
  const baseline = config.metrics.baseline_model;
  if (baseline !== undefined && !Object.hasOwn(config.aliases, baseline))
    demandTarget(["metrics", "baseline_model"], baseline);
  for (const layer of ["static_rules", "heuristic_rules"] as const) {
    const seen = new Set<string>();
    for (const [index, rule] of config[layer].rules.entries()) {
      demandTarget([layer, "rules", index, "route_to"], rule.route_to);
      if (seen.has(rule.name))
        findings.push({
          path: [layer, "rules", index, "name"],
          message: `an earlier rule already has the name "${rule.name}"`,
          hint: null,
          expected: null,
        });
      seen.add(rule.name);
    }
  }
  const classifier = config.llm_classifier;
  if (classifier.enabled && classifier.classifier_provider === undefined)
    findings.push({
      path: ["llm_classifier", "classifier_provider"],
      message: "the classifier is enabled but `classifier_provider` is not set",
      hint: null,
      expected: "a declared provider, provider/model or listed model",
    });
  demandTarget(["llm_classifier", "classifier_provider"], classifier.classifier_provider);
  demandTarget(["llm_classifier", "fallback_on_timeout"], classifier.fallback_on_timeout);
  for (const [category, target] of Object.entries(classifier.category_routing))
    demandTarget(["llm_classifier", "category_routing", category], target);
  return findings;
}

function fingerprint(key: string): string {
  const hashed = hashedKeyPattern.test(key) ? key.slice("sha256:".length).toLowerCase() : null;
  return hashed ?? createHash("sha256").update(key).digest("hex");
}

/** With equal keys one caller would be taken for another; a key and its own hash are equal as well. */
export function keyFindings(
  config: CheckedConfig,
  lineOf: (path: Path) => number | null,
  /** The place in the file of a place in `config`. */
  placeOf: (path: Path) => Path = (path) => path,
): readonly Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, Path>();
  const claim = (key: string, path: Path): void => {
    const print = fingerprint(key);
    const first = owners.get(print);
    if (first === undefined) owners.set(print, path);
    else {
      const line = lineOf(placeOf(first));
      const shown = dotted(placeOf(first));
      const place = line === null ? shown : `${shown} on line ${line}`;
      findings.push({ path, message: `the same key is also used at ${place}`, hint: null, expected: null });
    }
  };
  for (const [index, key] of config.auth.keys.entries()) claim(key, ["auth", "keys", index]);
  for (const [index, { key }] of config.auth.clients.entries()) claim(key, ["auth", "clients", index, "key"]);
  if (config.auth.admin_key !== undefined) claim(config.auth.admin_key, ["auth", "admin_key"]);
  const names = new Map<string, number>();
  for (const [index, tenant] of config.tenants.entries()) {
    const keys = keysOfTenant(tenant);
    for (const { key, path } of keys) claim(key, ["tenants", index, ...path]);
    if (keys.length === 0)
      findings.push({
        path: ["tenants", index],
        message: `tenant "${tenant.name}" has no key`,
        hint: null,
        expected: "api_key, or an entry in keys",
      });
    // Skills are kept in folders named after tenants, and some file systems ignore letter case.
    const folded = tenant.name.toLowerCase();
    const first = names.get(folded);
    const other = first === undefined ? undefined : config.tenants[first]?.name;
    const line = first === undefined ? null : lineOf(placeOf(["tenants", first, "name"]));
    if (first === undefined) names.set(folded, index);
    else
      findings.push({
        path: ["tenants", index, "name"],
        message:
          other === tenant.name
            ? `the tenant on line ${line ?? "?"} already has the name "${tenant.name}"`
            : `the name "${tenant.name}" differs from "${other}" on line ${line ?? "?"} only in letter case`,
        hint: null,
        expected: null,
      });
  }
  return findings;
}

/** The same vendor key twice would count its limits twice; two providers may share one. */
export function vendorKeyFindings(
  providers: Tree,
  lineOf: (path: Path) => number | null,
): readonly Finding[] {
  return Object.entries(providers).flatMap(([id, provider]) => {
    const seen = new Map<unknown, Path>();
    return (isTree(provider) ? keysOf(id, provider) : []).flatMap(({ path, key }): Finding[] => {
      const first = seen.get(key);
      if (key === "" || first === undefined) {
        seen.set(key, path);
        return [];
      }
      const line = lineOf(first);
      const place = line === null ? dotted(first) : `${dotted(first)} on line ${line}`;
      return [{ path, message: `the same key is also used at ${place}`, hint: null, expected: null }];
    });
  });
}

/**
 * Why this config must not be served, or null: beyond loopback anyone could spend the operator's money.
 * `loadConfig` calls it after flags and variables; call it again if the bind host is changed later.
 */
export function checkExposure(config: Pick<Config, "server" | "auth" | "tenants">): string | null {
  if (isLoopback(config.server.host)) return null;
  if (asksForKeys(config)) return null;
  return `listening on ${config.server.host} needs a key: set auth.keys (or PROXY_API_KEYS), or listen on 127.0.0.1`;
}

/** The socket keeps its first address, whatever a later config says. Throws ConfigProblem. */
export function requireSafeAt(host: string, config: CheckedConfig, path: string | null): void {
  const exposure = checkExposure({ ...config, server: { ...config.server, host } });
  const findings = [
    ...shortKeyFindings(config, host),
    ...clientSignInFindings({ ...config, fallback_chain: undefined }, host),
  ];
  const problems = findings.map(({ path: at, message, hint }) => ({
    path,
    line: null,
    key: dotted(at),
    message,
    hint,
  }));
  if (exposure !== null)
    problems.push({ path, line: null, key: "server.host", message: exposure, hint: null });
  if (problems.length > 0) throw new ConfigProblem(problems);
}
