// Notices for the operator at the start: settings that deserve a second look.
// They must never stop anything; an error that must stop the start is a problem.

import { hashedKeyPattern } from "../tenants/settings.ts";
import type { Config } from "./schema.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

export function authNotices(config: Pick<Config, "providers">): readonly string[] {
  return Object.entries(config.providers).flatMap(([id, provider]) =>
    typeof provider.auth === "string"
      ? []
      : [
          `providers.${id}.auth: a ${provider.auth.type} token is sent. The vendor's terms decide whether a token ` +
            "issued to another program may be used here; an API key is the safe choice",
        ],
  );
}

/** Whether the file itself contains a key in plain text (a `${VAR}` or a hash does not count). */
export function holdsPlainKeys(written: Tree): boolean {
  const providers = written["providers"];
  const tenants = written["tenants"];
  const keys = valueAt(written, ["auth", "keys"]);
  const candidates: unknown[] = [
    valueAt(written, ["auth", "admin_key"]),
    ...(Array.isArray(keys) ? keys : []),
    ...(isTree(providers)
      ? Object.values(providers).flatMap((entry) => [
          valueAt(entry, ["api_key"]),
          ...[valueAt(entry, ["api_keys"])].flat(),
        ])
      : []),
    ...(Array.isArray(tenants)
      ? tenants.flatMap((entry: unknown) => {
          const further = valueAt(entry, ["keys"]);
          const keys: readonly unknown[] = Array.isArray(further) ? further : [];
          return [valueAt(entry, ["api_key"]), ...keys.map((each) => valueAt(each, ["key"]))];
        })
      : []),
  ];
  return candidates.some(
    (key) => typeof key === "string" && key !== "" && !key.includes("${") && !hashedKeyPattern.test(key),
  );
}

/** Texts of clients are kept, or would be if somebody were listed. */
export function requestLogNotices({ request_log: log }: Pick<Config, "request_log">): readonly string[] {
  if (!log.enabled) return [];
  if (log.tenants.length === 0)
    return ["request_log.enabled is true and request_log.tenants is empty: no texts are kept"];
  const whose = log.tenants.includes("*") ? "everybody" : log.tenants.join(", ");
  return [
    `request_log: what clients send and get is kept as text, of ${whose}, for ${log.retention_days} days`,
  ];
}

/** Rules that are never reached, and a classifier that cannot be called. */
export function routingNotices(config: Config): readonly string[] {
  const { heuristic_rules: heuristics, llm_classifier: classifier } = config;
  const target = classifier.classifier_provider;
  const provider = target?.split("/")[0] ?? "";
  const isListed = Object.values(config.providers).some(({ models }) =>
    models.some(({ id }) => id === target),
  );
  const isMute = classifier.enabled && !Object.hasOwn(config.providers, provider) && !isListed;
  // With a classifier, a rule that always matches is applied after it, and so after all the others.
  const first = heuristics.rules.findIndex(({ match }) => alwaysMatches(match));
  const after = classifier.enabled || first < 0 ? [] : heuristics.rules.slice(first + 1);
  return [
    ...(heuristics.enabled && after.length > 0
      ? [
          `heuristic_rules: ${after.map(({ name }) => `"${name}"`).join(", ")} ${after.length === 1 ? "is" : "are"} never reached, because the earlier rule "${heuristics.rules[first]?.name}" always matches`,
        ]
      : []),
    ...(isMute ? [`llm_classifier: ${target} is not loaded, so classification is off`] : []),
  ];
}

function alwaysMatches({
  fallthrough,
  ...rest
}: Config["heuristic_rules"]["rules"][number]["match"]): boolean {
  return fallthrough === true && Object.values(rest).every((value) => value === undefined);
}
