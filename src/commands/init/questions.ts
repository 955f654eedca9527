// The questions of `init` on a terminal. Each has a default, so that Enter alone leads to a config that works.

import { nearest } from "../../canon/nearest.ts";
import { setInDotEnv } from "../../openclaw/dot-env.ts";
import type { CommandContext } from "../command.ts";
import { plain } from "../terminal.ts";
import type { Dialogue } from "./dialogue.ts";
import { demoId, type FoundProvider, keyedVendors, onlyExported } from "./findings.ts";

/** Vendors and their keys, as many as the person wants. `variables`: by name, never shown. */
export async function askKeys(
  dialogue: Dialogue,
  stdout: NodeJS.WriteStream,
  hasProviders: boolean,
): Promise<Readonly<Record<string, string>>> {
  const variables: Record<string, string> = {};
  const ids = keyedVendors.map(({ id }) => id);
  stdout.write(
    `\nVendors with API keys: ${ids.slice(0, 5).join(", ")} and more\n(clawgate providers catalog lists all).\n`,
  );
  for (;;) {
    const isFirst = Object.keys(variables).length === 0;
    const more =
      isFirst && !hasProviders ? "Whose key do you have" : "Another vendor whose key you want to type in";
    const typed = (await dialogue.ask(`${more}? (Enter: none)`, "")).toLowerCase();
    if (typed === "") return variables;
    const vendor = keyedVendors.find(({ id, name }) => id === typed || name.toLowerCase() === typed);
    if (vendor === undefined) {
      const near = nearest(typed.slice(0, 100), ids);
      stdout.write(
        `There is no vendor "${plain(typed.slice(0, 100))}".${near === null ? "" : ` Did you mean ${near}?`}\n`,
      );
      continue;
    }
    const key = await dialogue.askHidden(`API key of ${vendor.name} (it is not shown)`);
    if (key === "") continue;
    if (!isForFile(key)) stdout.write("A key has no blanks, quotes or line breaks; it was not taken.\n");
    else variables[vendor.keyVariable] = key;
  }
}

function isForFile(key: string): boolean {
  try {
    setInDotEnv("", { KEY: key });
    return true;
  } catch {
    // Not every reader of such a file would read it back as it is.
    return false;
  }
}

/** Which of them; all with one answer. */
export async function askProviders(
  dialogue: Dialogue,
  found: readonly FoundProvider[],
): Promise<readonly FoundProvider[]> {
  if (found.length < 2) return found;
  if (await dialogue.confirm(`\nUse all of them: ${found.map(({ name }) => plain(name)).join(", ")}?`, true))
    return found;
  const chosen: FoundProvider[] = [];
  for (const each of found) if (await dialogue.confirm(`Use ${each.name}?`, true)) chosen.push(each);
  return chosen;
}

export async function askPort(dialogue: Dialogue, stdout: NodeJS.WriteStream): Promise<number> {
  for (;;) {
    const typed = await dialogue.ask("Port on this machine", "8090");
    if (/^\d{1,5}$/.test(typed) && Number(typed) > 0 && Number(typed) <= 65_535) return Number(typed);
    stdout.write("A port is a whole number from 1 to 65535.\n");
  }
}

/** Keys that only this shell knows, if they are to be kept in `.env`. */
export async function askToKeep(
  dialogue: Dialogue,
  context: CommandContext,
  providers: readonly FoundProvider[],
  typed: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const names = providers
    .filter(({ id }) => id !== demoId)
    .flatMap(({ keyVariable }) => (keyVariable === null || keyVariable in typed ? [] : [keyVariable]));
  const { stdout } = context;
  const exported = onlyExported(context, names);
  const kept = Object.entries(exported).filter(([, value]) => isForFile(value));
  if (kept.length === 0) return {};
  const list = kept.map(([name]) => name).join(", ");
  stdout.write("A service does not see the variables of this shell.\n");
  const question = `Keep ${list} in .env too?`;
  return (await dialogue.confirm(question, false)) ? Object.fromEntries(kept) : {};
}
