// `clawgate manage`: the tenants of the config, their keys and their skills.

import type { Command } from "../command.ts";
import { add } from "./add.ts";
import { genKey } from "./gen-key.ts";
import { list } from "./list.ts";
import { remove } from "./remove.ts";
import { rotateKey } from "./rotate-key.ts";
import { skills } from "./skills.ts";

const help = `Usage: clawgate manage [list] [options]
       clawgate manage add <name> [--key K] [--hash] [--working-dir D]
       clawgate manage remove <name>
       clawgate manage rotate-key <name>
       clawgate manage gen-key
       clawgate manage skills list|pull|push|diff|bisync|clean [tenant]

Changes keep every comment of the config file, are checked before they are written, and are in force at once where a
gateway runs. What an OpenClaw instance has to know of its tenant, clawgate setup writes there.
clawgate manage <command> --help shows a command's options.
`;

export const manage: Command = {
  name: "manage",
  summary: "add and remove tenants, change their keys, sync their skills",
  help,
  verbs: [list, add, remove, rotateKey, genKey, skills],
  run: list.run,
};
