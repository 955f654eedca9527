// The stand-in's command line: the flags of the real program that the gateway may use, parsed as strictly as the real program does.
// It must never accept a flag that the real one does not know.

export type Options = {
  readonly model: string;
  readonly systemPrompt: string | null;
  readonly appendSystemPrompt: string;
  readonly isPartial: boolean;
  readonly allowedTools: readonly string[];
  readonly tools: string | null;
  readonly permissionMode: string;
  readonly thinking: string | null;
  readonly maxThinkingTokens: number | null;
  readonly effort: string | null;
  readonly jsonSchema: unknown;
  readonly sessionId: string | null;
  readonly maxTurns: number | null;
};

const alone = new Set(
  (
    "-p --print --verbose --include-partial-messages --strict-mcp-config --no-session-persistence --disable-slash-commands " +
    "--include-hook-events --replay-user-messages --fork-session --exclude-dynamic-system-prompt-sections --safe-mode --bare"
  ).split(" "),
);
const withValue = new Set(
  (
    "--input-format --output-format --tools --setting-sources --model --system-prompt --system-prompt-file " +
    "--append-system-prompt --append-system-prompt-file --permission-mode --thinking --thinking-display --max-thinking-tokens " +
    "--effort --json-schema --session-id --resume -r --max-turns --max-budget-usd --fallback-model --settings " +
    "--permission-prompt-tool --agents --betas --plugin-dir --name"
  ).split(" "),
);
/** These take all words up to the next flag. */
const withValues = new Set(
  "--allowedTools --allowed-tools --disallowedTools --disallowed-tools --add-dir --mcp-config".split(" "),
);

export type ReadOptions = Options | { readonly refusal: string };

export function readOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ReadOptions {
  const found = new Map<string, string[]>();
  for (let at = 0; at < argv.length; at += 1) {
    const flag = argv[at] ?? "";
    const values = found.get(flag) ?? [];
    found.set(flag, values);
    if (alone.has(flag)) continue;
    if (withValue.has(flag)) {
      const value = argv[(at += 1)];
      if (value === undefined) return { refusal: `error: option '${flag} <value>' argument missing` };
      values.push(value);
    } else if (withValues.has(flag)) {
      while (at + 1 < argv.length && !argv[at + 1]?.startsWith("-")) values.push(argv[(at += 1)] ?? "");
    } else return { refusal: `error: unknown option '${flag}'` };
  }
  const one = (...flags: string[]): string | null =>
    flags.map((flag) => found.get(flag)?.at(-1)).find(Boolean) ?? null;
  const inFile = (flag: string): string | null => {
    const path = one(flag);
    return path === null ? null : readFile(path);
  };
  if (!found.has("-p") && !found.has("--print"))
    return { refusal: "Input must be provided through a terminal" };
  if (one("--input-format") !== "stream-json" || one("--output-format") !== "stream-json")
    return { refusal: "The stand-in speaks stream-json only." };
  if (!found.has("--verbose"))
    return { refusal: "Error: When using --print, --output-format=stream-json requires --verbose" };
  const permissionMode = one("--permission-mode") ?? "default";
  if (permissionMode === "bypassPermissions" && process.getuid?.() === 0 && env["IS_SANDBOX"] !== "1")
    return {
      refusal: "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons",
    };
  const schema = one("--json-schema");
  const thinkingTokens = one("--max-thinking-tokens") ?? env["MAX_THINKING_TOKENS"] ?? null;
  return {
    model: one("--model") ?? "opus",
    systemPrompt: found.get("--system-prompt")?.at(-1) ?? inFile("--system-prompt-file"),
    appendSystemPrompt: one("--append-system-prompt") ?? inFile("--append-system-prompt-file") ?? "",
    isPartial: found.has("--include-partial-messages"),
    allowedTools: [...(found.get("--allowedTools") ?? []), ...(found.get("--allowed-tools") ?? [])].flatMap(
      (names) => names.split(/[ ,]+/),
    ),
    tools: found.get("--tools")?.at(-1) ?? null,
    permissionMode,
    thinking: one("--thinking"),
    maxThinkingTokens: thinkingTokens === null ? null : Number(thinkingTokens),
    effort: one("--effort"),
    jsonSchema: schema === null ? undefined : JSON.parse(schema),
    sessionId: one("--session-id", "--resume", "-r"),
    maxTurns: one("--max-turns") === null ? null : Number(one("--max-turns")),
  };
}

const aliases: Readonly<Record<string, string>> = {
  default: "claude-opus-4-8[1m]",
  opus: "claude-opus-4-8[1m]",
  sonnet: "claude-sonnet-5",
  haiku: "claude-haiku-4-5-20251001",
  fable: "claude-fable-5",
};

/** The name in `init`; requests upstream lack the suffix in brackets. */
export const fullModel = (name: string): string => aliases[name] ?? name;
export const wireModel = (name: string): string => fullModel(name).replace(/\[.*\]$/, "");
