// The last question before a command writes. Whoever leaves it has not agreed.

import type { CommandContext } from "./command.ts";
import { Left, openDialogue } from "./init/dialogue.ts";

/** The exit code of a program that Ctrl-C ended. */
export const interrupted = 130;

export const canAsk = ({ stdout }: Pick<CommandContext, "stdout">): boolean =>
  stdout.isTTY && process.stdin.isTTY;

/** "left": by Ctrl-C, or by the end of the input. */
export async function askConsent({ stdout }: CommandContext): Promise<"yes" | "no" | "left"> {
  const dialogue = openDialogue(process.stdin, stdout);
  try {
    return (await dialogue.confirm("Write this?", false)) ? "yes" : "no";
  } catch (thrown) {
    if (!(thrown instanceof Left)) throw thrown;
    stdout.write("\n");
    return "left";
  } finally {
    dialogue.close();
  }
}
