// Where values of the config in force came from, in a person's words: a flag, a variable (and its file), a line of the config file.
// It must never hold a value.

import { type ConfigDocument, dotted, type Path } from "./document.ts";
import type { Override } from "./overrides.ts";
import { valueAt } from "./values.ts";

export type Origin = {
  readonly text: string;
  /** It stands in the config file itself; else something lies over that. */
  readonly isFile: boolean;
};

/** By dotted key. One that is not there is the default. */
export type Origins = ReadonlyMap<string, Origin>;

/** Places that the machine may refuse: whoever is told of that wants to know where to change it. */
const places: readonly Path[] = [
  ["server", "host"],
  ["server", "port"],
  ["metrics", "db_path"],
];

export function originsOf(options: {
  readonly overrides: readonly Override[];
  /** Variables whose value came out of a file, and which. */
  readonly files: ReadonlyMap<string, string>;
  readonly document: ConfigDocument;
  readonly path: string | null;
}): Origins {
  const { overrides, files, document, path } = options;
  const written = places.flatMap((place): [string, Origin][] => {
    if (path === null || (valueAt(document.value, place) ?? null) === null) return [];
    const line = document.lineOf(place);
    return [
      [
        dotted(place),
        { text: `${dotted(place)} in ${path}${line === null ? "" : `:${line}`}`, isFile: true },
      ],
    ];
  });
  const over = overrides.map(({ path: place, origin }): [string, Origin] => {
    const file = files.get(origin);
    return [dotted(place), { text: file === undefined ? origin : `${origin} in ${file}`, isFile: false }];
  });
  return new Map([...written, ...over]);
}
