// What the fake vendor saw of one turn of a real client, printed for whoever reads the run. It must never decide whether it was right.

import type { Finished } from "../support/program-run.ts";
import type { Recorded } from "../support/upstream.ts";

export function printSeen(client: string, done: Finished, seen: readonly Recorded[]): void {
  const lines = seen.map(
    (request) => `${request.method} ${request.path} ${request.status} ${request.breach ?? ""}`,
  );
  console.log(`${client}: exit ${done.code}; the vendor saw:\n  ${lines.join("\n  ")}`);
}

/** Throws an Error with the end of what the client printed, unless it ended well. */
export function requireSuccess(done: Finished): void {
  if (done.code !== 0) throw new Error(`${done.stdout.slice(-1500)}\n${done.stderr.slice(-1500)}`);
}
