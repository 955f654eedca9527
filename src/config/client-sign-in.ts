// `auth: client`: the callers' own sign-in at Anthropic passes through. It is allowed only where one person uses a gateway on their own
// machine, and only to Anthropic itself: everything else would be handling credentials for others.

import { isLoopback } from "./client-keys.ts";
import type { Path } from "./document.ts";
import type { Finding } from "./findings.ts";
import type { Config } from "./schema.ts";

type Checked = Pick<
  Config,
  "providers" | "tenants" | "static_rules" | "heuristic_rules" | "llm_classifier" | "default_model"
> & { readonly server: { readonly host: string }; readonly fallback_chain?: readonly string[] | undefined };

const anthropicUrl = "https://api.anthropic.com/v1";

/** Headers that would carry another credential beside the caller's. */
const credentialHeaders: ReadonlySet<string> = new Set(["authorization", "x-api-key", "proxy-authorization"]);

export function clientSignInIds({ providers }: Pick<Config, "providers">): readonly string[] {
  return Object.entries(providers).flatMap(([id, { auth }]) => (auth === "client" ? [id] : []));
}

/** `host`: where the socket is, or will be. */
export function clientSignInFindings(config: Checked, host: string): readonly Finding[] {
  const ids = clientSignInIds(config);
  if (ids.length === 0) return [];
  const [first = ""] = ids;
  const findings: Finding[] = ids.flatMap((id) => providerFindings(config, id));
  const complain = (path: Path, message: string, expected: string | null = null): void => {
    findings.push({ path, message, hint: null, expected });
  };
  if (!isLoopback(host))
    complain(
      ["server", "host"],
      `providers.${first} has auth: client, which passes on the sign-in of one person on their own machine; other machines can connect to ${host}`,
      "127.0.0.1",
    );
  if (config.tenants.length > 0)
    complain(
      ["tenants"],
      `providers.${first} has auth: client, which is for one person's own gateway: with tenants it would handle sign-ins for others`,
    );
  const isOneOf = (name: string | undefined): boolean =>
    name !== undefined && ids.some((id) => name === id || name.startsWith(`${id}/`));
  const demandOther = (path: Path, name: string | undefined): void => {
    if (isOneOf(name))
      complain(path, `"${name}" has auth: client: it answers only callers who name its model themselves`);
  };
  for (const [at, id] of (config.fallback_chain ?? []).entries()) demandOther(["fallback_chain", at], id);
  for (const layer of ["static_rules", "heuristic_rules"] as const)
    for (const [at, rule] of config[layer].rules.entries())
      demandOther([layer, "rules", at, "route_to"], rule.route_to);
  demandOther(["default_model"], config.default_model);
  const { classifier_provider: asked, fallback_on_timeout: late, category_routing } = config.llm_classifier;
  demandOther(["llm_classifier", "classifier_provider"], asked);
  demandOther(["llm_classifier", "fallback_on_timeout"], late);
  for (const [category, target] of Object.entries(category_routing))
    demandOther(["llm_classifier", "category_routing", category], target);
  return findings;
}

function providerFindings({ providers }: Checked, id: string): readonly Finding[] {
  const provider = providers[id];
  if (provider === undefined) return [];
  const { backend, base_url, api_keys, headers } = provider;
  const at = (key: string, message: string, expected: string | null = null): Finding => ({
    path: ["providers", id, key],
    message,
    hint: null,
    expected,
  });
  const own = Object.keys(headers).filter((name) => credentialHeaders.has(name.toLowerCase()));
  return [
    ...(backend === "anthropic" ? [] : [at("auth", "auth: client works with backend anthropic only")]),
    ...(backend !== "anthropic" || base_url === anthropicUrl
      ? []
      : [
          at(
            "base_url",
            "auth: client sends a caller's own sign-in, which belongs to Anthropic alone",
            anthropicUrl,
          ),
        ]),
    ...(api_keys.length === 0 ? [] : [at("api_key", "a provider with auth: client has no key of its own")]),
    ...(own.length === 0 ? [] : [at("headers", `${own.join(", ")} would replace the caller's own sign-in`)]),
  ];
}

/** The terms, where somebody sees them at the start. */
export function clientSignInNotices(config: Pick<Config, "providers">): readonly string[] {
  return clientSignInIds(config).map(
    (id) =>
      `providers.${id}.auth: client: Claude Code's own sign-in passes through to Anthropic, unread and unstored, and its usage limits ` +
      "and billing apply. Anthropic documents this for the unmodified Claude Code with only ANTHROPIC_BASE_URL set, and forbids third " +
      "parties to offer claude.ai sign-in or to route requests through plan credentials on behalf of their users: use it on your own " +
      "machine, for yourself, or not at all (`clawgate help claude-code-gateway` quotes both texts)",
  );
}
