// What a request means for the program, as the config, the tenant and the request's own wishes settle it.
// Types only: who settles it is the assembly's business.

import type { ChatRequest } from "../../canon/request.ts";
import type { OwnTools } from "../../dialects/claude-code/client-tool-names.ts";
import type { Launch } from "./launch.ts";

export type Prepared = {
  /** The request as the model shall see it: prompts added, names mapped. */
  readonly request: ChatRequest;
  readonly launch: Launch;
  /** Equal for requests whose processes are interchangeable: tenant, model, thinking, tools, servers, version. */
  readonly key: string;
  /** The program runs tools of its own: server tools, MCP servers, skills. */
  readonly runsTools: boolean;
  /** Their names, which no tool of the client's may take. */
  readonly ownTools: OwnTools;
  /** The model's thinking cannot be switched off. */
  readonly alwaysThinks?: boolean;
  /** The model settles by itself how much it thinks. */
  readonly adaptsThinking?: boolean;
  /** The process is started with thinking off. */
  readonly startsWithoutThinking: boolean;
  /** The effort that `launch` names; null where it names none. */
  readonly launchedEffort: string | null;
  /** The effort for this answer. */
  readonly effort: string | null;
  /** How the program is told what went before; `transcript` where a self-test found that it does not take lines. */
  readonly history?: "lines" | "transcript";
  /** Shows thinking to clients that did not ask for it. */
  readonly showsThinking: boolean;
};
