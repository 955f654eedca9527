// Builds the program's flags, environment and folder. Everything that is not named is off. It must never pass on a client's
// value unchecked, nor a variable that is not meant for the program.

import { Failure } from "../../canon/failure.ts";
import type { Launch } from "../agent-process/launch.ts";
import { type ServerTools, toolName } from "./program-settings.ts";
import { absoluteEntries } from "../../system/process.ts";
import { programName } from "./program-facts.ts";
import { permissionModes, refusedVariable } from "./settings.ts";
import { childMark } from "../agent-process/child-register.ts";
import { tenantLabel, type Workspace } from "./workspace.ts";

export type ClaudeLaunch = Launch & {
  /** The value of `--model`; absent: the client chose none. */
  readonly model?: string;
};

export type LaunchOptions = {
  readonly workspace: Workspace;
  readonly model: string;
  readonly thinking: "default" | "off";
  /** The program's own tools. Listed tools are granted; with `default`, the permission mode decides. */
  readonly serverTools: ServerTools;
  /** The gateway's own variables; few of them pass. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Identifies this run of the gateway, to find its leftovers. */
  readonly gatewayId: string;
  readonly effort?: string | null;
  /** A file of MCP servers (its values are secrets: 0600), and the names in it that are granted. */
  readonly mcp?: {
    readonly configPath: string;
    readonly servers: readonly string[];
    /** Tools that do not run on this machine. */
    readonly areElsewhere: boolean;
  } | null;
};

/** Name of the SDK server that carries the client's tools; `--allowedTools` grants it by this name. */
export const clientToolServer = "client";

const inherited =
  /^(?:PATH|LANG|TZ|TMPDIR|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/;

const switches: Readonly<Record<string, string>> = {
  CLAUDE_AGENT_SDK_MCP_NO_PREFIX: "1",
  ENABLE_TOOL_SEARCH: "false",
  MAX_MCP_OUTPUT_TOKENS: "10000000",
  // Retries are up to the gateway, and the program's own retry without streaming doubles text.
  CLAUDE_CODE_MAX_RETRIES: "1",
  CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_AUTOUPDATER: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  CLAUDE_CODE_DISABLE_CLAUDE_MDS: "1",
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
};

/**
 * Newer versions report the folder, the system and the date to their vendor at the start of every conversation. This variable
 * prevents it, and older versions ignore it; but it also disables logins, skills and most tools.
 */
export const plainSwitch = "CLAUDE_CODE_SIMPLE";

const plainSwitches: Readonly<Record<string, string>> = {
  [plainSwitch]: "1",
  // The effort would otherwise be sent in a separate empty message, which strict APIs refuse; so it goes into the body.
  CLAUDE_CODE_MODEL_CAPABILITIES: "-per_turn_effort",
};

/** These override a key, or are not an Anthropic login: the program's behaviour with them is untested. */
const otherLogins = /^(?:ANTHROPIC_AUTH_TOKEN|CLAUDE_CODE_OAUTH_\w+|CLAUDE_CODE_USE_\w+)$/;

/** An API key from the operator pays for every request: the program's own login is never used. */
export function hasOwnKey(env: Readonly<Record<string, string>>): boolean {
  return (
    Boolean(env["ANTHROPIC_API_KEY"]) &&
    !Object.entries(env).some(([name, value]) => value !== "" && otherLogins.test(name))
  );
}

/** The variables say by what the program pays, or that it asks another service than its vendor's own. */
const payingVariable =
  /^(?:ANTHROPIC_API_KEY|ANTHROPIC_AUTH_TOKEN|ANTHROPIC_(?:\w+_)?BASE_URL|CLAUDE_CODE_USE_\w+)$/;

/** False: where the program reports no key either, it uses a person's own sign-in, which a flat rate pays. */
export function paysByVariable(env: Readonly<Record<string, string>>): boolean {
  return Object.entries(env).some(([name, value]) => value !== "" && payingVariable.test(name));
}

/** None of the program's own tools takes part in the answer or touches the files of its folder. */
function runsNothing({ serverTools, mcp }: LaunchOptions): boolean {
  return serverTools === "none" && (mcp === undefined || mcp === null || mcp.areElsewhere);
}

function isPlain(options: LaunchOptions): boolean {
  const { workspace, mcp } = options;
  const hasServers = mcp !== undefined && mcp !== null;
  return runsNothing(options) && !hasServers && workspace.pluginDirs.length === 0 && hasOwnKey(workspace.env);
}

/** Throws a Failure for an impossible model name. */
export function launchOf(options: LaunchOptions): ClaudeLaunch {
  const { workspace, model } = options;
  const { account = null, neutralDir = null } = workspace;
  const isNeutral = neutralDir !== null && runsNothing(options);
  return {
    program: programName,
    bin: workspace.bin,
    argv: argumentsOf(options),
    env: environmentOf(options),
    cwd: isNeutral ? neutralDir : workspace.workingDir,
    ...(isNeutral ? { elsewhere: workspace.workingDir } : {}),
    jail: workspace.jail,
    user: account === null ? null : { uid: account.uid, gid: account.gid },
    model,
  };
}

function argumentsOf(options: LaunchOptions): string[] {
  const { workspace, serverTools, thinking, effort, mcp } = options;
  const hasSkills = workspace.pluginDirs.length > 0;
  const granted = [`mcp__${clientToolServer}`, ...(mcp?.servers ?? []).map((name) => `mcp__${word(name)}`)];
  if (hasSkills) granted.push("Skill");
  if (typeof serverTools !== "string") granted.push(...serverTools.map(rule));
  const words: readonly (readonly string[])[] = [
    ["-p", "--input-format", "stream-json", "--output-format", "stream-json"],
    ["--verbose", "--include-partial-messages"],
    ["--tools", toolsOf(serverTools, hasSkills)],
    ["--strict-mcp-config", "--setting-sources", "", "--no-session-persistence"],
    // Skills are slash commands to the program.
    hasSkills ? [] : ["--disable-slash-commands"],
    ["--allowedTools", ...new Set(granted)],
    ["--model", modelName(options.model)],
    thinking === "off" ? ["--thinking", "disabled"] : ["--thinking-display", "summarized"],
    effort === undefined || effort === null ? [] : ["--effort", word(effort)],
    mcp === undefined || mcp === null ? [] : ["--mcp-config", mcp.configPath],
    workspace.pluginDirs.flatMap((path) => ["--plugin-dir", path]),
    serverTools === "none" ? [] : permissions(workspace),
  ];
  return words.flat();
}

function toolsOf(serverTools: ServerTools, hasSkills: boolean): string {
  if (serverTools === "default") return "default";
  const names = serverTools === "none" ? [] : serverTools.map((each) => toolName(rule(each)));
  if (hasSkills) names.push("Skill");
  return [...new Set(names)].join(",");
}

function permissions(workspace: Workspace): string[] {
  const mode = workspace.permissionMode;
  if (mode !== null && !permissionModes.some((each) => each === mode))
    throw new Error(
      `The permission mode of ${tenantLabel(workspace.tenant)} is not one of ${permissionModes.join(", ")}.`,
    );
  const modeWords = mode === null ? [] : ["--permission-mode", mode];
  return workspace.addDirs.length === 0 ? modeWords : [...modeWords, "--add-dir", ...workspace.addDirs];
}

/** The client chooses the model: what starts with a dash would be a flag. */
function modelName(model: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]{0,199}$/.test(model)) return model;
  throw new Failure("unknown-model", "That is not a model of the Claude Code program.", { param: "model" });
}

/** `Bash` or `Bash(git *)`. */
function rule(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]*(?:\([^()\n]*\))?$/.test(text)) return text;
  throw new Error(`"${text}" is not the name of a tool of the Claude Code program.`);
}

function word(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(text)) return text;
  throw new Error(`"${text}" cannot stand in the arguments of the Claude Code program.`);
}

function environmentOf(options: LaunchOptions): Record<string, string> {
  const { workspace, environment, gatewayId } = options;
  const { account = null } = workspace;
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && inherited.test(entry[0]),
  );
  const written = Object.entries(workspace.env).filter(([name]) => !refusedVariable.test(name));
  return {
    ...Object.fromEntries(kept),
    ...(environment["PATH"] === undefined ? {} : { PATH: absoluteEntries(environment["PATH"]) }),
    ...switches,
    ...(isPlain(options) ? plainSwitches : {}),
    // Otherwise a dozen of the program's own skills would be loaded.
    ...(workspace.pluginDirs.length === 0 ? {} : { CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: "1" }),
    ...Object.fromEntries(written),
    ...(account === null ? {} : { USER: account.name, LOGNAME: account.name }),
    HOME: workspace.home,
    // The program's default is not set explicitly: setting it changes the keychain entry that it uses.
    ...(workspace.isConfigDirImplied === true ? {} : { CLAUDE_CONFIG_DIR: workspace.configDir }),
    // It cannot be switched off: without it a client's text "@/path" shows that file to the model.
    CLAUDE_CODE_DISABLE_ATTACHMENTS: "1",
    [childMark]: gatewayId,
  };
}
