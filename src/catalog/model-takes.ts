// Which options a model accepts, by its name: the generated table, read one line at a time. An unknown model of a known family is
// treated as its newest one; a name of no family is unknown, and refuses nothing.

import { isEffort } from "../canon/effort.ts";
import { type Takes, takesAnything, type TakesFlag } from "../canon/takes.ts";
import { isVariantOf, vendorModelName } from "./model-name.ts";
import { familyRows, modelRows } from "./takes.generated.ts";

/** The operator's setting (`models[].takes`), which takes precedence over the table. */
export type TakesOverride = {
  readonly sampling?: Takes["sampling"] | undefined;
  readonly thinking?: Takes["thinking"] | undefined;
  readonly forced_tools?: boolean | undefined;
  readonly prefill?: boolean | undefined;
  readonly thinking_off?: boolean | undefined;
};

/** `name row`, without the name. */
const restOf = (line: string): string => line.slice(line.indexOf(" ") + 1);

function rowOf(name: string): string | null {
  const lines = modelRows.trim().split("\n");
  const exact = lines.find((line) => line.startsWith(`${name} `));
  if (exact !== undefined) return restOf(exact);
  const variants = lines.filter((line) => isVariantOf(name, line.slice(0, line.indexOf(" "))));
  const nearest = variants.toSorted((one, other) => other.indexOf(" ") - one.indexOf(" "))[0];
  if (nearest !== undefined) return restOf(nearest);
  const families = familyRows.trim().split("\n");
  const family = families.find((line) => new RegExp(line.slice(0, line.indexOf(" "))).test(name));
  return family === undefined ? null : restOf(family);
}

/** `none adaptive efforts=low,high budgets=0-24576 -prefill +newerLimit`: sampling, thinking, and deviations from the default. */
function read(row: string): Takes {
  const [sampling, thinking, ...rest] = row.split(" ");
  const flags: Partial<Record<TakesFlag, boolean>> = {};
  let { efforts, budgets } = takesAnything;
  for (const word of rest) {
    if (word.startsWith("efforts=")) efforts = word.slice(8).split(",").filter(isEffort);
    else if (word.startsWith("budgets=")) {
      const [least = 0, most = 0] = word.slice(8).split("-").map(Number);
      budgets = { least, most };
    } else flags[word.slice(1) as TakesFlag] = word.startsWith("+");
  }
  return {
    ...takesAnything,
    ...flags,
    sampling: sampling as Takes["sampling"],
    thinking: thinking as Takes["thinking"],
    efforts,
    budgets,
  };
}

/** Null: unknown. A new object each time: use `createTakes` on the request path. */
export function takesOf(model: string, override?: TakesOverride): Takes | null {
  const name = vendorModelName(model);
  const row = name === null ? null : rowOf(name);
  const listed = row === null ? null : read(row);
  return override === undefined ? listed : withOverride(listed, override);
}

function withOverride(listed: Takes | null, override: TakesOverride): Takes {
  const takes = listed ?? takesAnything;
  const thinking = override.thinking ?? takes.thinking;
  return {
    ...takes,
    sampling: override.sampling ?? takes.sampling,
    thinking,
    // Levels and budgets of another way of thinking do not apply to this one.
    ...(thinking === takes.thinking ? {} : { efforts: null, budgets: null }),
    forcedTools: override.forced_tools ?? takes.forcedTools,
    prefill: override.prefill ?? takes.prefill,
    thinkingOff: override.thinking_off ?? takes.thinkingOff,
  };
}

// Clients choose model names too: the cache must not grow with them.
const maxCached = 500;

/** Cached, because every request needs it. */
export function createTakes(
  listed: readonly { readonly id: string; readonly takes?: TakesOverride | undefined }[],
): (model: string) => Takes | null {
  const overrides = new Map(listed.map((model) => [model.id, model.takes]));
  const known = new Map<string, Takes | null>();
  return (model) => {
    const remembered = known.get(model);
    if (remembered !== undefined) return remembered;
    if (known.size >= maxCached) known.clear();
    const takes = takesOf(model, overrides.get(model));
    known.set(model, takes);
    return takes;
  };
}
