// The names that a shell completes: of the config's providers, models and tenants, and of what this program knows. It asks no
// server and says nothing of a config that cannot be read: it runs while somebody presses the tab key.

import { findConfigFile } from "../../config/search.ts";
import { readDocument } from "../../config/document.ts";
import { topics } from "../../manual/topics.ts";
import { namedVendors } from "../../operator/vendor-catalog.ts";
import { offlineInput } from "../config-input.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { memberOf } from "../running-gateway.ts";
import { type NameKind, nameKinds } from "./option-list.ts";

/** The hidden word of the scripts: `clawgate __complete <kind> <words of the command line>`. */
export const completeWord = "__complete";

/** A name with anything else could be read as code by a shell. */
const harmless = /^[\p{L}\p{N}_.@%+:,/-]+$/u;

const membersOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textsOf = (values: readonly unknown[]): readonly string[] =>
  values.flatMap((value) => (typeof value === "string" ? [value] : []));

function configOf(context: CommandContext, words: readonly string[]): unknown {
  const at = words.lastIndexOf("--config");
  const named = at < 0 ? words.findLast((word) => word.startsWith("--config="))?.slice(9) : words[at + 1];
  const search = findConfigFile(offlineInput(context, named === "" ? undefined : named));
  const read = "file" in search && search.file !== null ? readDocument(search.file.text) : null;
  return read !== null && "document" in read ? read.document.value : {};
}

function modelsOf(config: unknown): readonly string[] {
  const providers = membersOf(memberOf(config, "providers"));
  const own = providers.flatMap(([id, provider]) => {
    const listed = itemsOf(memberOf(provider, "models")).map((each) => memberOf(each, "id") ?? each);
    const models = textsOf([memberOf(provider, "model"), ...listed]);
    return [id, ...models.map((model) => `${id}/${model}`)];
  });
  return ["auto", ...own, ...membersOf(memberOf(config, "aliases")).map(([alias]) => alias)];
}

function namesOf(kind: NameKind, context: CommandContext, commands: readonly Command[]): readonly string[] {
  const words = context.args.slice(1);
  switch (kind) {
    case "topic":
      return [...topics, ...commands].map(({ name }) => name);
    case "vendor":
      return namedVendors.map(({ id }) => id);
    case "model":
      return modelsOf(configOf(context, words));
    case "provider":
      return membersOf(memberOf(configOf(context, words), "providers")).map(([id]) => id);
    case "tenant":
      return textsOf(
        itemsOf(memberOf(configOf(context, words), "tenants")).map((each) => memberOf(each, "name")),
      );
  }
}

export function printNames(context: CommandContext, commands: readonly Command[]): number {
  const kind = nameKinds.find((each) => each === context.args[0]);
  if (kind === undefined) return exitCodes.usage;
  const names = namesOf(kind, context, commands).filter((name) => harmless.test(name));
  context.stdout.write([...new Set(names)].map((name) => `${name}\n`).join(""));
  return exitCodes.ok;
}
