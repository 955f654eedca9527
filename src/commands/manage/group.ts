// `clawgate manage`: the tenants of the config, their keys and their skills.

import type { Command } from "../command.ts";
import { add } from "./add.ts";
import { apply } from "./apply.ts";
import { genKey } from "./gen-key.ts";
import { list } from "./list.ts";
import { remove } from "./remove.ts";
import { rotateKey } from "./rotate-key.ts";
import { skills } from "./skills.ts";

const help = `Usage: clawgate manage [list] [options]
       clawgate manage add <name> [--key K] [--hash] [--docker C] [--working-dir D] [--apply]
       clawgate manage remove <name> [--apply]
       clawgate manage apply [name] [--primary] [--api API]
       clawgate manage rotate-key <name> [--apply]
       clawgate manage gen-key
       clawgate manage skills list|pull|push|diff|bisync|clean [tenant]

Changes keep every comment of the config file and are checked before they are written; a running gateway applies them
immediately. apply writes the gateway's address and key into a tenant's OpenClaw instance; clawgate setup does that for
every instance it finds.
clawgate manage <command> --help shows a command's options.
`;

export const manage: Command = {
  name: "manage",
  summary: "add and remove tenants, change their keys, sync their skills",
  help,
  verbs: [list, add, remove, apply, rotateKey, genKey, skills],
  run: list.run,
};
