// Names in a tenant's section that must exist elsewhere in the config: providers, models, MCP servers. A misspelt name would
// lock a tenant out, and it would learn of it one request at a time.

import { nearest } from "../canon/nearest.ts";
import { type CheckedConfig, type DeclaredModels, targetTest } from "./cross-checks.ts";
import type { Path } from "./document.ts";
import type { Finding } from "./findings.ts";
import { didYouMean } from "./problems.ts";
import type { Config } from "./schema.ts";

const complaint = (path: Path, name: string, known: Iterable<string>, what: string): Finding => ({
  path,
  message: `"${name}" is not ${what}`,
  hint: didYouMean(nearest(name, known)),
  expected: null,
});

/** Names of the CLI that a pattern may mean; its own list is known only while it runs. */
const cliNames = [
  "claude-opus-4-6",
  "claude-sonnet-4-6",
  "claude-haiku-4-5",
  "claude-fable-5",
  "opus",
  "sonnet",
  "haiku",
];

export function tenantFindings(config: CheckedConfig, declared: DeclaredModels): readonly Finding[] {
  const isTarget = targetTest(config, declared);
  const ids = [...declared.keys()];
  const models = [...declared].flatMap(([id, names]) => names.flatMap((name) => [name, `${id}/${name}`]));
  const aliases = Object.keys(config.aliases);
  const hints = config.static_rules.rules.flatMap(({ match }) => match.model_requested ?? []);
  const own = cliNames.filter(isTarget);
  const known = ["auto", ...ids, ...models, ...aliases, ...hints, ...own];

  const means = (name: string): boolean =>
    name.includes("*")
      ? known.some((each) => fits(name, each)) || isBelowProvider(name)
      : isTarget(name) || known.some((each) => fits(each, name));
  /** `openai/*` may mean models that no config lists. */
  const isBelowProvider = (name: string): boolean => {
    const [head = "", rest] = splitOnce(name);
    return rest !== null && ids.some((id) => fits(head, id));
  };

  return config.tenants.flatMap((tenant, index): readonly Finding[] => {
    const at = (...rest: Path): Path => ["tenants", index, ...rest];
    const { provider, limits, models: allowed = [] } = tenant;
    const cheaper = limits?.over_budget_model;
    const isCheaperKnown = cheaper === "auto" || aliases.includes(cheaper ?? "") || isTarget(cheaper ?? "");
    const { container } = tenant;
    const sharer = config.tenants.slice(0, index).find((each) => each.container === container);
    return [
      ...(container === undefined || sharer === undefined
        ? []
        : [
            {
              path: at("container"),
              message: `the tenant "${sharer.name}" already has the container "${container}"`,
              hint: null,
              expected: null,
            },
          ]),
      ...allowed.flatMap((name, place) =>
        means(name)
          ? []
          : [
              complaint(
                at("models", place),
                name,
                known,
                "a name that this config knows: auto, a provider, an alias, a listed model or provider/model",
              ),
            ],
      ),
      ...(provider === undefined || declared.has(provider)
        ? []
        : [complaint(at("provider"), provider, ids, "a declared provider")]),
      ...(cheaper === undefined || isCheaperKnown
        ? []
        : [
            complaint(
              at("limits", "over_budget_model"),
              cheaper,
              [...ids, ...models, ...aliases],
              "a declared provider, provider/model, listed model or alias",
            ),
          ]),
    ];
  });
}

/** A misspelt name would keep nothing, and nobody would notice. */
export function requestLogFindings({
  tenants,
  request_log: { tenants: logged },
}: CheckedConfig): readonly Finding[] {
  const known = tenants.map(({ name }) => name);
  return logged.flatMap((name, place) =>
    name === "*" || known.includes(name)
      ? []
      : [complaint(["request_log", "tenants", place], name, known, 'a tenant of this config or "*"')],
  );
}

/** Called when the servers are known: they may be in a separate file. */
export function tenantServerFindings({ tenants, mcp_servers }: Config): readonly Finding[] {
  const known = Object.keys(mcp_servers);
  return tenants.flatMap(({ mcp_servers: wanted = [] }, index) =>
    wanted.flatMap((name, place) =>
      known.includes(name)
        ? []
        : [complaint(["tenants", index, "mcp_servers", place], name, known, "one of mcp_servers")],
    ),
  );
}

function splitOnce(name: string): readonly [string, string | null] {
  const slash = name.indexOf("/");
  return slash < 0 ? [name, null] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** The whole name, case-insensitive; `*` matches any run of characters. */
export function fits(pattern: string, name: string): boolean {
  const [head = "", ...parts] = pattern.toLowerCase().split("*");
  const text = name.toLowerCase();
  const tail = parts.pop();
  if (tail === undefined) return text === head;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let at = head.length;
  const end = text.length - tail.length;
  return parts.every((part) => {
    const found = text.indexOf(part, at);
    at = found + part.length;
    return found >= 0 && at <= end;
  });
}
