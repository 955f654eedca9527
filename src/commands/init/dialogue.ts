// Questions on a real terminal, one line each, with a default. What is typed for a key is not shown.
// Ctrl-C or the end of the input ends the dialogue with `Left`: whoever asks must not have written anything before.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { plain } from "../terminal.ts";

/** The person has left the dialogue. */
export class Left extends Error {
  override readonly name = "Left";
}

export type Dialogue = {
  /** Trimmed; an empty answer is the default. */
  ask(question: string, usual: string): Promise<string>;
  confirm(question: string, usual: boolean): Promise<boolean>;
  askHidden(question: string): Promise<string>;
  close(): void;
};

export function openDialogue(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Dialogue {
  let isHidden = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isHidden) stdout.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  const left = Promise.withResolvers<never>();
  // Nobody may be waiting when the person leaves.
  left.promise.catch(() => undefined);
  lines.once("SIGINT", () => lines.close());
  lines.once("close", () => left.reject(new Left()));
  const question = (text: string): Promise<string> => Promise.race([lines.question(text), left.promise]);
  const ask = async (text: string, usual: string): Promise<string> => {
    const answer = (await question(`${text}${usual === "" ? "" : ` [${plain(usual)}]`}: `)).trim();
    return answer === "" ? usual : answer;
  };
  return {
    ask,
    async confirm(text, usual) {
      for (;;) {
        const answer = (await question(`${text} [${usual ? "Y/n" : "y/N"}] `)).trim();
        if (answer === "") return usual;
        if (/^(?:y|yes|n|no)$/i.test(answer)) return /^y/i.test(answer);
        stdout.write("Please answer y or n.\n");
      }
    },
    async askHidden(text) {
      stdout.write(`${text}: `);
      isHidden = true;
      try {
        return (await question("")).trim();
      } finally {
        isHidden = false;
        stdout.write("\n");
      }
    },
    close: () => lines.close(),
  };
}
