// openclaw-cc-gateway: its config.yaml is read here as it is. What it did without being told is written down, and its folder of skills
// is used where it lies.

import { isAbsolute, resolve } from "node:path";
import type { Path } from "../config/document.ts";
import { isTree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";

export type CcGatewayPlace = {
  readonly folder: string;
  /** Its `skills/`; null: there is none. */
  readonly skillsFolder: string | null;
};

export function fromCcGateway(draft: ConfigDraft, { folder, skillsFolder }: CcGatewayPlace): void {
  draft.set(["server", "compat"], "cc-gateway");
  draft.say("kept", "its port and /health", "3456 unless a port is written, and its shape, by server.compat");
  if (!isTree(draft.at(["cli"]))) draft.set(["cli"], {});
  for (const at of [
    ["cli", "skill_file"],
    ["cli", "working_dir"],
    ["skills", "dir"],
  ])
    inFull(draft, at, folder);
  const bin = draft.at(["cli", "bin"]);
  if (typeof bin === "string" && bin.includes("/")) inFull(draft, ["cli", "bin"], folder);
  if (draft.at(["skills", "dir"]) === undefined && skillsFolder !== null)
    draft.set(["skills", "dir"], skillsFolder);
  const dir = draft.at(["skills", "dir"]);
  if (typeof dir === "string" && skillsFolder !== null)
    draft.say("kept", "skills/", `stays where it is, by skills.dir: ${dir}`);
  defaults(draft);
  for (const [index] of tenantsIn(draft).entries()) tenant(draft, index);
  explain(draft);
}

function inFull(draft: ConfigDraft, at: Path, folder: string): void {
  const path = draft.at(at);
  if (typeof path !== "string" || path.includes("${") || path.startsWith("~") || isAbsolute(path)) return;
  draft.set(at, resolve(folder, path));
  draft.say("changed", at, "the same path, in full");
}

const tenantsIn = (draft: ConfigDraft): readonly unknown[] => {
  const tenants = draft.at(["tenants"]);
  return Array.isArray(tenants) ? tenants : [];
};

function defaults(draft: ConfigDraft): void {
  if (draft.at(["cli", "default_model"]) === undefined) {
    draft.set(["cli", "default_model"], "sonnet");
    draft.say("kept", "unknown model names", "answered by sonnet, by cli.default_model");
  }
  if (draft.at(["cli", "effort"]) === undefined) {
    draft.set(["cli", "effort"], "low");
    draft.say("kept", "its effort", "low, by cli.effort");
  }
  if (draft.at(["server", "host"]) !== undefined) return;
  if (tenantsIn(draft).length > 0) {
    draft.set(["server", "host"], "0.0.0.0");
    draft.say("kept", "its address", "all of this machine's, by server.host: 0.0.0.0");
  } else
    draft.say(
      "changed",
      "its address",
      "127.0.0.1 only: without tenants anybody who reaches it could use it",
    );
}

/** OpenClaw's `env` block may hold maps; a process's variables cannot. */
function tenant(draft: ConfigDraft, index: number): void {
  inFullOfTenant(draft, index);
  const env = draft.at(["tenants", index, "env"]);
  if (!isTree(env)) return;
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "object" || value === null) continue;
    draft.delete(["tenants", index, "env", name]);
    draft.say("left out", ["tenants", index, "env", name], "it is not one value, so it cannot be a variable");
  }
}

function inFullOfTenant(draft: ConfigDraft, index: number): void {
  if (draft.at(["tenants", index, "name"]) === "dc")
    draft.say("kept", "tenant dc", "with its key; its container is found by `clawgate setup`");
}

function explain(draft: ConfigDraft): void {
  const tools = draft.at(["cli", "tools"]);
  if (tools === undefined)
    draft.say(
      "changed",
      "Claude Code's own tools",
      "are off; there all of them ran unasked. Grant what you mean by cli.tools, for example [Read]",
    );
  draft.say("changed", "`stream`", "is false where a request leaves it out, as Anthropic's format says");
  if (tenantsIn(draft).length > 0)
    draft.say(
      "changed",
      "sign-in",
      "each tenant has a login of its own: `clawgate login <tenant>`, or ANTHROPIC_API_KEY in its env",
    );
  draft.say(
    "changed",
    "environment",
    "Claude Code gets a few variables and those in env, not all of the gateway's",
  );
  draft.say(
    "refused",
    "getting around the rules for sign-ins",
    "the official `claude` program signs in, as itself",
  );
}
