// A new config file that explains itself: each section and each provider under a comment.
// It must never write a text of somebody else's so that a variable in it would be expanded.

import { stringify } from "yaml";

export type CommentedProvider = {
  readonly id: string;
  readonly comment: string;
  /** As in the file; only `api_key` and `base_url` may refer to variables. */
  readonly value: object;
};

export type CommentedConfig = {
  readonly head: readonly string[];
  readonly port: number;
  readonly providers: readonly CommentedProvider[];
  readonly chain: readonly string[];
};

const mayRefer: ReadonlySet<string> = new Set(["api_key", "base_url"]);

function literal(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map(literal);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, mayRefer.has(key) ? each : literal(each)]),
  );
}

const written = (value: unknown): string => stringify(value, { lineWidth: 0 });
const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ");
const comments = (lines: readonly string[]): string =>
  lines.map((line) => `# ${line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")}`.trimEnd()).join("\n");

export function commentedConfig({ head, port, providers, chain }: CommentedConfig): string {
  const each = providers.map(
    ({ id, comment, value }) => `${comments([comment])}\n${written({ [id]: literal(value) })}`,
  );
  return `${comments(head)}

server:
  # Only programs of this machine reach this address. For any other one, put keys into auth.keys first.
  host: 127.0.0.1
  port: ${port}

# Who answers. A client names one of these ids, one of their models, or auto.
# A provider whose key is not set is left out with one line in the log.
providers:
${indented(each.join("\n"))}
# The order for auto: the first answers, the others take over when it fails before its first word.
${written({ fallback_chain: chain })}
# Short names for clients:
#aliases:
#  smart: ${chain[0] ?? "auto"}

# Keys that clients must show, for example sha256:<hex> from clawgate manage gen-key --hash:
#auth:
#  keys: []
`;
}
