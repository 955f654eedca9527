// The source of each value of the active config, in words: a flag, a variable (and its file), a line of the config file.
// It must never contain a value.

import { type ConfigDocument, dotted, type Path } from "./document.ts";
import type { Override } from "./overrides.ts";
import { valueAt } from "./values.ts";

export type Origin = {
  readonly text: string;
  /** The value comes from the config file itself; otherwise something overrides the file. */
  readonly isFile: boolean;
};

/** By dotted key. A missing key has its default value. */
export type Origins = ReadonlyMap<string, Origin>;

/** Settings that the machine may refuse: the error must say where to change them. */
const places: readonly Path[] = [
  ["server", "host"],
  ["server", "port"],
  ["metrics", "db_path"],
];

export function originsOf(options: {
  readonly overrides: readonly Override[];
  /** Variables whose value came from a file, and which file. */
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
