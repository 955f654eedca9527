// The variables of the shell that the service needs on its network, in a file that only its owner reads: a proxy's address may hold a
// password. What the owner wrote there stays.

import { readTextIfExists } from "../system/files.ts";
import type { Machine, Scope } from "./machine.ts";
import { isNetworkName, networkVariables } from "./service-plan.ts";

const opening =
  "# Variables of the ClawGate service. `clawgate service install` adds proxies and certificates of your shell; your lines stay.\n";

/** As systemd's EnvironmentFile reads it. */
const assignment = (name: string, value: string): string =>
  `${name}="${value.replaceAll(/["\\`$]/g, String.raw`\$&`)}"\n`;

/** Whether an uninstallation may remove the file: nothing in it is the owner's. */
export async function isOnlyCarried(path: string): Promise<boolean> {
  const text = await readTextIfExists(path);
  if (text === null || !text.startsWith(opening)) return false;
  return text
    .slice(opening.length)
    .split("\n")
    .every((line) => line === "" || isNetworkName(line.split("=")[0] ?? ""));
}

/** The file's new text; null: nothing to add. */
export async function carriedFile(machine: Machine, scope: Scope, path: string): Promise<string | null> {
  const text = (await readTextIfExists(path)) ?? opening;
  const present = new Set(Array.from(text.matchAll(/^\s*([A-Za-z_]\w*)\s*=/gm), ([, name]) => name));
  const added = Object.entries(networkVariables(machine, scope)).filter(([name]) => !present.has(name));
  if (added.length === 0) return null;
  const whole = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return whole + added.map(([name, value]) => assignment(name, value)).join("");
}
