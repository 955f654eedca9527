// The built program with the real `claude` as its backend, against a fake Anthropic API: what its client tests share.
// It must never log in, and never leave loopback but for npm.

import { expect } from "bun:test";
import type { Target } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { childrenOf } from "../support/claude-children.ts";
import { eventually } from "../support/eventually.ts";
import { type Recorded, startUpstream, type Upstream } from "../support/upstream.ts";
import { listOf, recordOf, textOf } from "../support/upstream/json.ts";
import type { Json } from "../support/upstream/json.ts";
import { claudeProgram } from "./claude-program.ts";

export const vendorKey = "sk-ant-fake-vendor-key";

export const model = "claude-cli/sonnet";
export const isLinux = process.platform === "linux";

export type GatewayWithClaude = {
  readonly gateway: RunningBinary;
  readonly upstream: Upstream;
  readonly target: Target;
  /** What the model was asked; the program's other requests (is the host there, how many tokens) are none of it. */
  posts(): readonly Recorded[];
  lastBody(): Json;
  /** How often the model was asked, and by how many processes. */
  asked(): { readonly times: number; readonly processes: number };
  /** Role and blocks of every message that the model got last, without the program's own reminders and marks. */
  conversation(): (readonly [role: string, blocks: readonly Json[]])[];
  /** The tool results in the last of them, by the id of their call. */
  results(): Readonly<Record<string, Json>>;
  /** Fails when a request broke the vendor's rules. Forgets the requests. */
  next(): void;
  /** Fails when a process is left. */
  stop(): Promise<void>;
};

/** `keys` are more keys of the provider, `config` more of the config. */
export type GatewayWithClaudeOptions = {
  readonly keys?: object;
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
};

export async function startGatewayWithClaude(
  options: GatewayWithClaudeOptions = {},
): Promise<GatewayWithClaude> {
  const upstream = startUpstream({ strict: true, keys: [vendorKey] });
  const provider = {
    backend: "claude-cli",
    bin: claudeProgram(),
    env: { ANTHROPIC_BASE_URL: upstream.url, ANTHROPIC_API_KEY: vendorKey },
    warm: { size: 1, max: 1, min_free_mb: 0 },
    parked: { max: 2, idle_s: 20 },
    ...options.keys,
  };
  const gateway = await startBinary({
    config: { providers: { "claude-cli": provider }, ...options.config },
    env: options.env ?? {},
  });
  const posts = (): readonly Recorded[] =>
    upstream.requests.filter(({ method, path }) => method === "POST" && path === "/v1/messages");
  const lastBody = (): Json => posts().at(-1)?.body ?? {};
  const conversation: GatewayWithClaude["conversation"] = () =>
    listOf(lastBody()["messages"]).flatMap((message) => {
      const { role, content } = recordOf(message);
      // 2.1.329 has messages of its own for what 2.1.197 says in the first one.
      if (role === "system") return [];
      const blocks = listOf(content)
        .map(recordOf)
        .filter(({ text }) => !textOf(text).startsWith("<system-reminder>"));
      return [[textOf(role), blocks.map(({ cache_control: _mark, ...block }): Json => block)] as const];
    });
  return {
    gateway,
    upstream,
    target: {
      url: gateway.url,
      key: "any-key-will-do",
      model,
      famousModel: "sonnet",
      vendorFormat: "anthropic",
      upstream,
      modelFor: () => model,
      statusFor: (status) => status,
      stop: () => Promise.resolve(),
    },
    posts,
    lastBody,
    conversation,
    asked: () => ({
      times: posts().length,
      processes: new Set(posts().map(({ headers }) => headers["x-claude-code-session-id"])).size,
    }),
    results: () =>
      Object.fromEntries(
        (conversation().at(-1)?.[1] ?? [])
          .filter(({ type }) => type === "tool_result")
          .map((block) => [textOf(block["tool_use_id"]), block]),
      ),
    next() {
      expect(upstream.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
      upstream.reset();
    },
    async stop() {
      await gateway.stop();
      upstream.stop();
      if (isLinux) await eventually(() => expect(childrenOf(gateway.dir)).toEqual([]));
    },
  };
}
