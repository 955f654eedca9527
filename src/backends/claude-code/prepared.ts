// A prepared request: what config, tenant and the request's own options decide for the program. Types only.

import type { StreamEvent } from "../../canon/event.ts";
import type { ChatRequest } from "../../canon/request.ts";
import type { OwnTools } from "../../dialects/claude-code/client-tool-names.ts";
import type { WarmKey } from "../agent-process/recent-keys.ts";
import type { ClaudeLaunch } from "./launch.ts";
import type { McpPlan } from "./mcp-servers.ts";

/** Everything that a process is started with. */
export type ProcessOrder = {
  readonly launch: ClaudeLaunch;
  /** The file that the launch names, to keep while the process lives; null: none. */
  readonly mcp: McpPlan | null;
};

export type Prepared = {
  /** The request as the model sees it: prompts added, names mapped. */
  readonly request: ChatRequest;
  readonly order: ProcessOrder;
  /** Equal for requests whose processes are interchangeable: tenant, model, thinking, tools, servers, version. */
  readonly key: string;
  /** The program runs its own tools: server tools, MCP servers, skills. */
  readonly runsTools: boolean;
  /** Their names, which no client tool may use. */
  readonly ownTools: OwnTools;
  /** The model's thinking cannot be switched off. */
  readonly alwaysThinks?: boolean;
  /** The model decides by itself how much it thinks. */
  readonly adaptsThinking?: boolean;
  /** The process is started with thinking off. */
  readonly startsWithoutThinking: boolean;
  /** The effort that the launch names; null where it names none. */
  readonly launchedEffort: string | null;
  /** The effort for this answer. */
  readonly effort: string | null;
  /** How the program gets the history; `transcript` where a self-test found that it does not take lines. */
  readonly history?: "lines" | "transcript";
  /** Shows thinking to clients that did not ask for it. */
  readonly showsThinking: boolean;
  /** Maps the model's events to the client's; null: no mapping needed. */
  readonly restore: ((event: StreamEvent) => StreamEvent) | null;
  /** What is worth warming when the answer has begun; null where processes are not interchangeable with other requests'. */
  readonly warmKey: WarmKey | null;
};
