// An openclaw.json with a provider that is a local proxy for Claude: what it expects at its address becomes a config, so that the file
// stays as it is.

import type { Compat } from "../server/settings.ts";
import { isTree, type Tree, valueAt } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";
import { MigrationProblem } from "./finding.ts";

const ownHosts = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|host\.docker\.internal|172\.17\.0\.1)$/;

/** Ports of the programs whose place can be taken, and OpenClaw's usual ids for them. */
const ports = new Set(["3456", "4523", "8317", "8090"]);

type Entry = { readonly id: string; readonly url: URL; readonly provider: Tree };

export function fromOpenClaw(draft: ConfigDraft, path: string, value: Tree, compat: Compat): void {
  const providers = valueAt(value, ["models", "providers"]);
  const all = Object.entries(isTree(providers) ? providers : {}).flatMap(([id, provider]): Entry[] => {
    const url = URL.parse(String(valueAt(provider, ["baseUrl"])));
    return isTree(provider) && url !== null && ownHosts.test(url.hostname) ? [{ id, url, provider }] : [];
  });
  const found = all.find(({ id }) => id === "claude-proxy") ?? all.find(({ url }) => ports.has(url.port));
  if (found === undefined)
    throw new MigrationProblem(`${path} has no provider on this machine, such as claude-proxy at port 3456`);
  const { id, url, provider } = found;
  const at = `models.providers.${id}`;
  draft.set(["server", "compat"], compat);
  draft.set(["server", "port"], Number(url.port || 80));
  draft.say("kept", `${at}.baseUrl`, `server.port: ${url.port || 80}; openclaw.json stays as it is`);
  draft.set(["cli"], { default_model: "sonnet" });
  draft.say("changed", "its sign-in to Claude", "your own Claude Code answers, by the section cli");
  key(draft, `${at}.apiKey`, provider["apiKey"]);
  if (!/^(?:localhost|127\.|\[::1\])/.test(url.hostname))
    draft.say(
      "changed",
      `${at}.baseUrl`,
      "containers reach a gateway beyond 127.0.0.1 only: set server.host and auth.keys",
    );
  const models = Array.isArray(provider["models"]) ? provider["models"].filter(isTree) : [];
  for (const model of models)
    draft.say("kept", `${at}.models ${String(model["id"])}`, "Claude Code answers to this name");
  const primary = valueAt(value, ["agents", "defaults", "model", "primary"]);
  if (typeof primary === "string" && primary.startsWith(`${id}/`))
    draft.say("kept", "agents.defaults.model.primary", "goes on meaning the same model");
  for (const [other] of Object.entries(isTree(providers) ? providers : {}))
    if (other !== id) draft.say("left out", `models.providers.${other}`, "OpenClaw goes on asking it itself");
  draft.say(
    "refused",
    "OAuth by the proxy",
    "ClawGate signs in to nobody's account: `claude auth login` signs your own Claude Code in",
  );
}

function key(draft: ConfigDraft, what: string, value: unknown): void {
  const isVariable = typeof value !== "string" || value.includes("${");
  if (!isVariable && value.length >= 16) {
    draft.set(["auth", "keys"], [value]);
    draft.say("kept", what, "auth.keys");
  } else draft.say("kept", what, "any word is taken while the gateway has no keys");
}
