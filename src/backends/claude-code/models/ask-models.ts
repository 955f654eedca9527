// Asks the program which models it has: a process of its own, one question, no conversation. Free: nothing goes upstream.

import { controlRequest, readControlResponse } from "../../../dialects/claude-code/protocol-lines.ts";
import type { Clock } from "../../../system/clock.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";

const timeoutMs = 30_000;

/** The answer to `initialize`. Stops the process in any case. Throws a Failure or an Error. */
export async function askModels(child: AgentProcess, clock: Pick<Clock, "setTimer">): Promise<unknown> {
  const cancel = clock.setTimer(timeoutMs, () => void child.stop());
  try {
    // With a prompt the program leaves out its own, of 26 KB.
    await child.send(controlRequest("models", { subtype: "initialize", systemPrompt: ["-"] }));
    for (let line = await child.next(); line !== null; line = await child.next()) {
      const answer = readControlResponse(line);
      if (answer?.id !== "models") continue;
      if (answer.isError) throw new Error("the program refused to initialize");
      return answer.response;
    }
    throw new Error("the program ended without an answer");
  } finally {
    cancel();
    await child.stop();
  }
}
