// What the config says about one CLI provider, resolved: its own keys over the `cli` section over the defaults. It must
// never inspect the machine: whether the program exists is checked when it is needed.

import type { Effort } from "../../canon/effort.ts";
import type { OwnTools } from "../../dialects/claude-code/client-tool-names.ts";
import type { CliKeys } from "./settings.ts";

/** `none`, all of the program's own tools, or the listed ones; `Bash(git *)` grants a part of one. */
export type ServerTools = "none" | "default" | readonly string[];

export type CliProgram = {
  readonly bin: string;
  readonly env: Readonly<Record<string, string>>;
  /** Null: the operator's own. */
  readonly configDir: string | null;
  /** The model for unknown names. */
  readonly defaultModel: string | null;
  readonly warm: {
    readonly size: number;
    readonly max: number;
    readonly idleMs: number;
    readonly minFreeMb: number;
  };
  readonly parked: {
    readonly max: number;
    readonly maxPerTenant: number;
    readonly callsTtlMs: number;
    readonly idleTtlMs: number;
  };
  readonly tools: ServerTools;
  readonly permissionMode: string | null;
  readonly addDirs: readonly string[];
  readonly workingDir: string | null;
  readonly effort: Effort | null;
  readonly showsThinking: boolean;
  readonly jail: "off" | "auto" | "required";
  readonly jailRead: readonly string[];
  readonly jailHosts: readonly string[];
  readonly openclaw: { readonly mapsToolNames: boolean; readonly filtersPrompt: boolean };
  readonly skillFile: string | null;
};

export function resolveProgramSettings(own: CliKeys, section: CliKeys = {}): CliProgram {
  const pick = <Key extends keyof CliKeys>(key: Key): CliKeys[Key] => own[key] ?? section[key];
  const warm: Partial<Record<"size" | "max" | "idle_s" | "min_free_mb", number | undefined>> =
    pick("warm") ?? {};
  const parked: Partial<Record<"max" | "max_per_tenant" | "ttl_s" | "idle_s", number | undefined>> =
    pick("parked") ?? {};
  const openclaw = pick("openclaw");
  const size = warm.size ?? 1;
  const maxParked = parked.max ?? 8;
  return {
    bin: pick("bin") ?? "claude",
    env: { ...section.env, ...own.env },
    configDir: pick("config_dir") ?? null,
    defaultModel: pick("default_model") ?? null,
    warm: {
      size,
      max: Math.max(warm.max ?? 3, warm.max === undefined ? size : 0),
      idleMs: (warm.idle_s ?? 600) * 1000,
      minFreeMb: warm.min_free_mb ?? 1024,
    },
    parked: {
      max: maxParked,
      maxPerTenant: Math.min(parked.max_per_tenant ?? 4, maxParked),
      callsTtlMs: (parked.ttl_s ?? 180) * 1000,
      idleTtlMs: (parked.idle_s ?? 60) * 1000,
    },
    tools: normalisedTools(pick("tools")),
    permissionMode: pick("permission_mode") ?? null,
    addDirs: pick("add_dirs") ?? [],
    workingDir: pick("working_dir") ?? null,
    effort: pick("effort") ?? null,
    showsThinking: pick("thinking") ?? false,
    jail: pick("jail") ?? "off",
    jailRead: pick("jail_read") ?? [],
    jailHosts: (pick("jail_hosts") ?? []).map((host) => host.toLowerCase()),
    openclaw: {
      mapsToolNames: openclaw?.tool_names ?? false,
      filtersPrompt: openclaw?.filter_prompt ?? false,
    },
    skillFile: pick("skill_file") ?? null,
  };
}

function normalisedTools(written: CliKeys["tools"]): ServerTools {
  return written === undefined || (typeof written !== "string" && written.length === 0) ? "none" : written;
}

/** The provider's tools for a tenant: a tenant may narrow them, never widen. */
export function narrowTools(tools: ServerTools, narrowed: CliKeys["tools"]): ServerTools {
  if (narrowed === undefined || narrowed === "default") return tools;
  const wanted = normalisedTools(narrowed);
  if (tools === "none" || wanted === "none") return "none";
  if (wanted === "default") return tools;
  return normalisedTools(tools === "default" ? [...wanted] : wanted.filter((name) => tools.includes(name)));
}

/** Names under which the program shows its own tools. */
export function ownTools(given: {
  readonly serverTools: ServerTools;
  readonly hasSkills: boolean;
  readonly hasServers: boolean;
}): OwnTools {
  if (given.serverTools === "default") return "all";
  const listed = given.serverTools === "none" ? [] : given.serverTools.map(toolName);
  // It shows `Task` as `Agent`, and servers with resources add two more tools.
  return [
    ...(listed.includes("Task") ? [...listed, "Agent"] : listed),
    ...(given.hasSkills ? ["Skill"] : []),
    ...(given.hasServers ? ["ListMcpResourcesTool", "ReadMcpResourceTool"] : []),
  ];
}

/** The tool of a rule: `Bash` of `Bash(git *)`. */
export function toolName(rule: string): string {
  return rule.replace(/\(.*$/s, "");
}
