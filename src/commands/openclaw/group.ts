// `clawgate openclaw`: what the gateway knows of the OpenClaw instances of this machine.

import type { Command } from "../command.ts";
import { status } from "./status.ts";

const help = `Usage: clawgate openclaw [status] [options]

Commands:
  status    instances, versions, models, spending of each agent, and idle burn (the default)

clawgate setup connects an instance; clawgate manage changes its tenant, key and skills.
clawgate openclaw status --help shows the options.
`;

export const openclaw: Command = {
  name: "openclaw",
  summary: "show OpenClaw instances, their spending and idle burn",
  help,
  verbs: [status],
  run: status.run,
};
