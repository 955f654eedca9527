// The variables that the gateway knows, and `.env` files. It reads only names that it knows, and never changes process.env: a
// project's .env is full of unrelated variables. Parsed by our own code, as ClawGate-py's python-dotenv parses it: dotenv's parse
// and node's parseEnv end a value at any `#` (even in a key) and keep `\"` in quotes as it is.

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables documented by ClawGate and its forerunners, except vendors' keys. */
export const documentedVariables: readonly string[] = [
  "PORT",
  "HOST",
  "LOG_LEVEL",
  "CLAWGATE_ALLOWED_HOSTS",
  "CLAWGATE_DB_PATH",
  "CLAWGATE_COMPAT",
  "CLAWGATE_STATE_DIR",
  "DOCKER_HOST_IP",
  "PROXY_API_KEYS",
  "REQUIRE_AUTH",
  "REQUEST_TIMEOUT_MS",
  "DEFAULT_MODEL",
  "DEFAULT_EFFORT",
  "ENABLE_THINKING",
  "PROXY_MCP_CONFIG",
  "CLAUDE_BIN",
  "CLAUDE_PATH",
  "CLI_TIMEOUT",
  "CLI_EFFORT",
  "MAX_CONCURRENT",
  "MAX_PER_TENANT",
  "DEEPSEEK_BASE_URL",
  "GEMINI_BASE_URL",
  "OPENROUTER_BASE_URL",
];

/** Key variables of ClawGate-py's catalogue; the vendor rows of this build may add more. */
export const keyVariables: readonly string[] = [
  "OPENAI_API_KEY",
  "ANTHROPIC_API_KEY",
  "DEEPSEEK_API_KEY",
  "GEMINI_API_KEY",
  "OPENROUTER_API_KEY",
  "OPENCODE_API_KEY",
  "ZAI_API_KEY",
  "AI_GATEWAY_API_KEY",
  "KILOCODE_API_KEY",
  "XAI_API_KEY",
  "MISTRAL_API_KEY",
  "GROQ_API_KEY",
  "CEREBRAS_API_KEY",
  "COPILOT_GITHUB_TOKEN",
  "HUGGINGFACE_HUB_TOKEN",
  "MOONSHOT_API_KEY",
  "KIMI_API_KEY",
  "VOLCANO_ENGINE_API_KEY",
  "BYTEPLUS_API_KEY",
  "SYNTHETIC_API_KEY",
  "MINIMAX_API_KEY",
  "OLLAMA_API_KEY",
  "VLLM_API_KEY",
  "LMSTUDIO_API_KEY",
  "LITELLM_API_KEY",
];

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/** The value that starts at `from`, and the start of the next line. Quoted values may span lines. */
function readValue(text: string, from: number): { readonly value: string; readonly next: number } {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  const lineEnd = (index: number): number => {
    const end = text.indexOf("\n", index);
    return end === -1 ? text.length : end + 1;
  };
  const quote = text[at];
  if (quote === '"' || quote === "'") {
    let value = "";
    for (let index = at + 1; index < text.length; index++) {
      const character = text[index] ?? "";
      if (character === quote) return { value, next: lineEnd(index) };
      if (quote === '"' && character === "\\") {
        index += 1;
        value += escapes[text[index] ?? ""] ?? `\\${text[index] ?? ""}`;
      } else value += character;
    }
  }
  const next = lineEnd(at);
  const line = text.slice(at, next).replace(/\r?\n$/, "");
  const comment = /(^|[ \t])#/.exec(line);
  return { value: (comment === null ? line : line.slice(0, comment.index)).trim(), next };
}

/** `.env` text to names and values; the last of several equal names wins. Nothing is expanded. */
export function readDotEnv(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  let at = 0;
  while (at < source.length) {
    const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=/.exec(
      source.slice(at, at + 300),
    );
    if (assignment === null) {
      const end = source.indexOf("\n", at);
      at = end === -1 ? source.length : end + 1;
      continue;
    }
    const { value, next } = readValue(source, at + assignment[0].length);
    const name = assignment[1] ?? "";
    if (name !== "__proto__") values[name] = value;
    at = next;
  }
  return values;
}

/** The names and values of a `.env` file that may be used. */
export type Layer = { readonly path: string; readonly values: Readonly<Record<string, string>> };

/** The process's variables over those of the files (first file wins), and which file each value came from. */
export function mergeEnvironment(
  processEnvironment: Environment,
  layers: readonly Layer[],
): { readonly environment: Environment; readonly origins: ReadonlyMap<string, string> } {
  const merged: Record<string, string | undefined> = {};
  const origins = new Map<string, string>();
  for (const { path, values } of [...layers].reverse())
    for (const [name, value] of Object.entries(values)) {
      merged[name] = value;
      origins.set(name, path);
    }
  for (const [name, value] of Object.entries(processEnvironment))
    if (value !== undefined) {
      merged[name] = value;
      origins.delete(name);
    }
  return { environment: merged, origins };
}
