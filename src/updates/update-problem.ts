// What ends an update before anything changed, or after it was undone: the message is for the person at the terminal.

import { errorCode } from "../system/files.ts";

export class UpdateProblem extends Error {
  override readonly name = "UpdateProblem";
}

/** The system's errors that users meet, in words; anything else is rethrown. */
export function problemOf(thrown: unknown, path: string): UpdateProblem {
  if (thrown instanceof UpdateProblem) return thrown;
  switch (errorCode(thrown)) {
    case "ENOSPC":
    case "EDQUOT":
      return new UpdateProblem(`the disk with ${path} is full`);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new UpdateProblem(
        `${path} cannot be written to (${errorCode(thrown)}): run this as the user who owns the program`,
      );
    default:
      throw thrown;
  }
}
