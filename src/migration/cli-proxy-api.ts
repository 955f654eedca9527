// CLIProxyAPI: its config.yaml becomes one of ours where its keys have a meaning here. Its own sign-ins and its pools of other people's
// tokens are refused, with the way that is allowed.

import { compatPorts } from "../server/settings.ts";
import { isTree, type Tree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";
import { MigrationProblem } from "./finding.ts";
import { readProviders } from "./cli-proxy-providers.ts";

/** Keys of the example file, which everybody knows. */
const sampleKey = /^your-api-key(?:-\d+)?$/;

const ownSignIn =
  "ClawGate signs in to nobody's account and keeps no tokens: your own Claude Code signs in (`claude auth login`), or use an API key";

/** Why a key has no effect here. Patterns, first match wins. */
const reasons: readonly (readonly [RegExp, "left out" | "refused", string])[] = [
  [/^auth-dir$|^oauth-|^auth-auto-refresh|^save-cooldown-status$|^ws-auth$|^ampcode$/, "refused", ownSignIn],
  [
    /^claude-header-defaults$|^cloak|^codex-header|^codex-instructions/,
    "refused",
    "ClawGate calls as itself and imitates no other client",
  ],
  [/^tls$/, "left out", "put a reverse proxy in front and name it in server.trusted_proxies"],
  [
    /^request-retry$|^max-retry-|^quota-exceeded$|^disable-cooling$|cooldown/,
    "left out",
    "a failed request goes to the next target, and how long one rests follows from its answer (`clawgate help routing`)",
  ],
  [
    /^logging-to-file$|^logs-max|^error-logs-max/,
    "left out",
    "the log goes to stderr, where the service manager keeps it",
  ],
  [
    /^usage-statistics-enabled$|^redis-usage/,
    "left out",
    "requests are always recorded unless metrics.enabled is false",
  ],
  [/^pprof$|^commercial-mode$|^debug-/, "left out", "there is nothing like it here"],
  [/^remote-management$/, "left out", "operators' routes are /api/*, with auth.admin_key"],
  [
    /^payload$/,
    "left out",
    "bodies are not rewritten by rules; `quirks` of a provider names what its vendor deviates in",
  ],
  [
    /^(?:streaming|nonstream-keepalive-interval)$/,
    "left out",
    "keep-alives and the first word are governed by `streaming`",
  ],
  [/^(?:force-model-prefix|passthrough-headers)$/, "left out", "`provider/model` always names one provider"],
];

export function fromCliProxyApi(draft: ConfigDraft, value: Tree): void {
  const rest = new Map(Object.entries(value));
  const take = (name: string): unknown => {
    const found = rest.get(name);
    rest.delete(name);
    return found;
  };
  draft.set(["server", "compat"], "cliproxyapi");
  listen(draft, take);
  keys(draft, take("api-keys"));
  const level = take("debug");
  if (level !== undefined) {
    if (level === true) draft.set(["server", "log_level"], "debug");
    draft.say("kept", "debug", level === true ? "server.log_level: debug" : "server.log_level: info");
  }
  management(draft, rest);
  strategy(draft, take("routing"));
  const proxy = take("proxy-url");
  readProviders(draft, take, typeof proxy === "string" && proxy !== "" ? proxy : null);
  ownClaudeCode(draft, rest);
  for (const name of rest.keys()) {
    const [, verdict, why] = reasons.find(([pattern]) => pattern.test(name)) ?? [
      null,
      "left out" as const,
      "no setting here means the same",
    ];
    draft.say(verdict, name, why);
  }
}

function listen(draft: ConfigDraft, take: (name: string) => unknown): void {
  const written = take("port");
  const port = typeof written === "string" && /^\d{1,5}$/.test(written) ? Number(written) : written;
  if (typeof port === "number") {
    draft.set(["server", "port"], port);
    draft.say("kept", "port", "server.port");
  } else
    draft.say(
      "changed",
      "port",
      `${compatPorts.cliproxyapi}, as its page at OpenClaw says; its own default is 8317`,
    );
  const host = take("host");
  if (host === undefined) return void draft.say("changed", "host", "127.0.0.1; there it was all addresses");
  draft.set(["server", "host"], host === "" ? "0.0.0.0" : host);
  draft.say("kept", "host", "server.host");
}

function keys(draft: ConfigDraft, value: unknown): void {
  if (value === undefined || value === null) return;
  // Keys that are not understood must not become a gateway that asks for none.
  if (!Array.isArray(value) || value.some((key) => typeof key !== "string"))
    throw new MigrationProblem("api-keys must be a list of texts; write each in quotes, and import again");
  const own = value.filter((key) => typeof key === "string" && key !== "" && !sampleKey.test(key));
  if (own.length > 0) draft.set(["auth", "keys"], own);
  draft.say("kept", "api-keys", `auth.keys: ${own.length} of ${value.length}`);
  if (own.length < value.length)
    draft.say(
      "refused",
      "api-keys",
      "the keys of the example file are known to everybody; `clawgate manage gen-key` makes one",
    );
}

function management(draft: ConfigDraft, rest: Map<string, unknown>): void {
  const section = rest.get("remote-management");
  const key = isTree(section) ? section["secret-key"] : undefined;
  if (typeof key !== "string" || key === "") return;
  if (/^\$2[aby]\$/.test(key)) {
    draft.say(
      "left out",
      "remote-management.secret-key",
      "it is a bcrypt hash; set auth.admin_key to a key of your choice",
    );
    return;
  }
  draft.set(["auth", "admin_key"], key);
  draft.say("kept", "remote-management.secret-key", "auth.admin_key");
}

const strategies: Readonly<Record<string, string>> = {
  "round-robin": "round-robin",
  "weighted-round-robin": "weighted",
  "fill-first": "priority",
};

function strategy(draft: ConfigDraft, value: unknown): void {
  if (value === undefined || value === null) return;
  if (!isTree(value)) return void draft.say("left out", "routing", "it is not a map of settings");
  for (const [name, setting] of Object.entries(value)) {
    const known = name === "strategy" ? strategies[String(setting)] : undefined;
    if (known !== undefined) {
      draft.set(["routing", "strategy"], known);
      draft.say("kept", "routing.strategy", `routing.strategy: ${known}`);
    } else if (name.startsWith("session-affinity"))
      draft.say("kept", `routing.${name}`, "a conversation always stays with its target");
    else draft.say("left out", `routing.${name}`, "no setting here means the same");
  }
}

/** Its reason to exist is the Claude subscription; the allowed way to it is the official program. */
function ownClaudeCode(draft: ConfigDraft, rest: Map<string, unknown>): void {
  const hasProviders = isTree(draft.at(["providers"]));
  if (hasProviders && !rest.has("auth-dir")) return;
  draft.set(["cli"], { default_model: "sonnet" });
  draft.say("changed", "its sign-in to Claude", "your own Claude Code answers, by the section cli");
}
