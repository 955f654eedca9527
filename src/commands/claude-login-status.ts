// What the Claude Code program says of its own sign-in. It must never read the login itself.

import type { ClaudeLogin } from "../operator/claude-login.ts";
import { runCommand } from "../system/process.ts";

const statusMs = 15_000;

/** `answer` null: it gave none; `why` says how. Throws an Error with a code if the program cannot be started. */
export async function claudeLoginStatus(
  login: ClaudeLogin,
): Promise<{ readonly answer: unknown; readonly why: string }> {
  const result = await runCommand([login.bin, "auth", "status"], {
    timeoutMs: statusMs,
    env: login.env,
    cwd: login.cwd,
    user: login.user,
  });
  let answer: unknown = null;
  try {
    answer = JSON.parse(result.stdout);
  } catch {
    // Told with the exit code.
  }
  return {
    answer,
    why: result.timedOut
      ? "did not answer in time"
      : `answered with exit code ${result.code ?? "none"} and no JSON`,
  };
}
