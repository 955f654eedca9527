// `clawgate version`: version, commit and target of this build.

import { buildAgeHint } from "../system/build-age.ts";
import { systemClock } from "../system/clock.ts";
import { buildTarget, commit, commitTime, fullVersion, programName, version } from "../system/identity.ts";
import { type Command, exitCodes } from "./command.ts";
import { readOptions } from "./options.ts";

const help = `Usage: clawgate version [options]

Prints the version, the commit it was built from, and the system it was built for.

Options:
  --json           name, version, commit, commit_time and target as JSON; null: run from the sources
  -h, --help       this text
`;

export const versionCommand: Command = {
  name: "version",
  summary: "print the version",
  help,
  run(context) {
    const read = readOptions(context, "version", { json: { type: "boolean", default: false } });
    if ("usage" in read) return Promise.resolve(read.usage);
    const { stdout, stderr, environment } = context;
    if (read.values.json) {
      const facts = { name: programName, version, commit, commit_time: commitTime, target: buildTarget };
      stdout.write(`${JSON.stringify(facts)}\n`);
      return Promise.resolve(exitCodes.ok);
    }
    stdout.write(`${programName} ${fullVersion}${buildTarget === null ? "" : ` ${buildTarget}`}\n`);
    const hint = buildAgeHint(systemClock.nowMs(), environment);
    // Scripts read the one line above.
    if (hint !== null) stderr.write(`clawgate: ${hint}.\n`);
    return Promise.resolve(exitCodes.ok);
  },
};
