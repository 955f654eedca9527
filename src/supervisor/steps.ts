// What an installation does, as data: `--dry-run` prints the same steps that are otherwise taken. Files are replaced whole, and the old
// one is kept as .bak.

import { mkdir, rm } from "node:fs/promises";
import { replaceFile } from "../system/files.ts";
import { type Machine, tell } from "./machine.ts";

export type Step =
  | { readonly kind: "write"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "run"; readonly argv: readonly string[]; readonly mayFail?: true };

export function stepText(step: Step): string {
  switch (step.kind) {
    case "write":
      return `write ${step.path} (mode 0${step.mode.toString(8)})`;
    case "remove":
      return `remove ${step.path}`;
    case "folder":
      return `make the folder ${step.path}`;
    case "run":
      return step.argv.join(" ");
  }
}

/** Throws ServiceProblem or the file system's error; steps that were taken stay taken, and all may be taken again. */
export async function takeSteps(machine: Machine, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    switch (step.kind) {
      case "write":
        await replaceFile(step.path, step.text, { mode: step.mode, keepOld: true });
        break;
      case "remove":
        await rm(step.path, { force: true });
        break;
      case "folder":
        await mkdir(step.path, { recursive: true, mode: step.mode });
        break;
      case "run":
        await tell(machine, step.argv).catch((thrown: unknown) => {
          if (step.mayFail !== true) throw thrown;
        });
    }
  }
}
