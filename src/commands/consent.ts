// Asks the person at the terminal before something is written.

import { createInterface } from "node:readline/promises";
import type { CommandContext } from "./command.ts";

export const canAsk = ({ stdout }: Pick<CommandContext, "stdout">): boolean =>
  stdout.isTTY && process.stdin.isTTY;

/** Everything but a clear yes is a no. */
export async function consents(
  { stdout }: Pick<CommandContext, "stdout">,
  question: string,
): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: stdout });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
