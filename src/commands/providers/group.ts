// `clawgate providers`: the providers, the state of each, and the operator's actions on them.

import type { Command } from "../command.ts";
import { catalog } from "./catalog.ts";
import { list } from "./list.ts";
import { reset } from "./reset.ts";
import { test } from "./test.ts";

const help = `Usage: clawgate providers [list] [options]
       clawgate providers reset <id>
       clawgate providers test [id] [options]
       clawgate providers catalog [vendor] [options]

Commands:
  list      every provider of the running gateway and its state (the default)
  reset     forget a provider's failures: close its circuit, end its cooldowns
  test      send one small real request to a provider, or to each of them
  catalog   the vendors that ClawGate knows, with address, key variable, models and prices

clawgate providers <command> --help shows a command's options; those of list work without the word list too.
`;

export const providers: Command = {
  name: "providers",
  summary: "show the providers, reset or test one, list the known vendors",
  help,
  verbs: [list, reset, test, catalog],
  run: list.run,
};
