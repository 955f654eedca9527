// `clawgate version`: the version and commit of this build.

import { commit, fullVersion, programName, version } from "../system/identity.ts";
import { type Command, exitCodes } from "./command.ts";

export const versionCommand: Command = {
  name: "version",
  summary: "print the version",
  help: `Usage: clawgate version [--json]\n\nPrints the version and the commit it was built from.\n`,
  run({ args, stdout }) {
    stdout.write(
      args.includes("--json")
        ? `${JSON.stringify({ name: programName, version, commit })}\n`
        : `${programName} ${fullVersion}\n`,
    );
    return Promise.resolve(exitCodes.ok);
  },
};
