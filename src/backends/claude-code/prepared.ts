// What a request means for the program, as the config, the tenant and the request's own options settle it. Types only.

import type { StreamEvent } from "../../canon/event.ts";
import type { ChatRequest } from "../../canon/request.ts";
import type { OwnTools } from "../../dialects/claude-code/client-tool-names.ts";
import type { WarmKey } from "../agent-process/recent-keys.ts";
import type { ClaudeLaunch } from "./launch.ts";
import type { McpPlan } from "./mcp-servers.ts";

/** All that a process is started with. */
export type ProcessOrder = {
  readonly launch: ClaudeLaunch;
  /** The file that the launch names, to be held while the process lives; null: it names none. */
  readonly mcp: McpPlan | null;
};

export type Prepared = {
  /** The request as the model shall see it: prompts added, names mapped. */
  readonly request: ChatRequest;
  readonly order: ProcessOrder;
  /** Equal for requests whose processes are interchangeable: tenant, model, thinking, tools, servers, version. */
  readonly key: string;
  /** The program runs tools of its own: server tools, MCP servers, skills. */
  readonly runsTools: boolean;
  /** Their names, which no tool of the client's may take. */
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
  /** The model's events -> the client's; null: they are the client's already. */
  readonly restore: ((event: StreamEvent) => StreamEvent) | null;
  /** What is worth warming when the answer has begun; null where processes are not interchangeable with other requests'. */
  readonly warmKey: WarmKey | null;
};
