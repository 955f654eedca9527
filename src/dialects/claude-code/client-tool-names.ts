// Maps the client's tool names to names that the program and the API behind it accept, and back. It must never give two
// tools one name, nor let a client's tool take the name of one that the program runs itself.

import { structuredOutput } from "./forced-tool.ts";

export type ToolNames = {
  toWire(name: string): string;
  /** The client's own name; null when this is none of its tools. */
  toClient(wireName: string): string | null;
};

/** The program's prefix for our tool server's names, unless it is configured to leave it out. */
const prefix = "mcp__client__";
const longest = 128;

/**
 * Tools that the program always adds, whatever its options, and one whose name it hides from its model while there is nothing to
 * search.
 */
const always = [structuredOutput, "DeferredToolPlaceholder", "ToolSearch"];
/**
 * All built-in tools of any version: the program lists those of `--tools default` only after it received the client's
 * tools. A built-in tool that runs under the name of a client's tool would be worse than an unneeded prefix.
 */
const builtIn =
  "Agent AskUserQuestion Bash BashOutput CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree ExitPlanMode ExitWorktree Glob Grep KillBash KillShell LSP ListMcpResources ListMcpResourcesTool LS MultiEdit Monitor NotebookEdit NotebookRead PushNotification Read ReadMcpResource ReadMcpResourceTool RemoteTrigger ScheduleWakeup SendMessage Skill SlashCommand Task TaskCreate TaskGet TaskList TaskOutput TaskStop TaskUpdate TeamCreate TeamDelete TodoRead TodoWrite ToolSearch WebFetch WebSearch Workflow Write".split(
    " ",
  );

/** The program's own tools in a turn, by name; "all": every tool that the version has. */
export type OwnTools = "all" | readonly string[];

/** `forced`: the client's tool that the program's own answer tool replaces. */
export function toolNames(names: Iterable<string>, own: OwnTools, forced: string | null = null): ToolNames {
  const reserved = new Set([...always, ...(own === "all" ? builtIn : own)]);
  const wireNames = new Map<string, string>();
  const clientNames = new Map<string, string>();
  const known = [...new Set(names)];
  // Names that may stay as they are come first, so that no rewritten one takes theirs.
  const isGood = (name: string): boolean => /^[a-zA-Z0-9_-]{1,128}$/.test(name) && !reserved.has(name);
  for (const name of [...known.filter(isGood), ...known.filter((each) => !isGood(each))]) {
    const base = rewriteName(name, reserved);
    let wireName = base;
    for (let count = 2; clientNames.has(wireName); count++)
      wireName = `${base.slice(0, longest - 8)}_${count}`;
    wireNames.set(name, wireName);
    clientNames.set(wireName, name);
  }
  return {
    toWire: (name) => wireNames.get(name) ?? rewriteName(name, reserved),
    toClient(wireName) {
      if (forced !== null && wireName === structuredOutput) return forced;
      const exact = clientNames.get(wireName);
      if (exact !== undefined) return exact;
      return wireName.startsWith(prefix) ? (clientNames.get(wireName.slice(prefix.length)) ?? null) : null;
    },
  };
}

function rewriteName(name: string, reserved: ReadonlySet<string>): string {
  const legal = name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, longest) || "tool";
  return reserved.has(legal) ? `client_${legal}` : legal;
}
