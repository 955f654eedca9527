// Paths as they were sent, held against the patterns of the table. One matcher for names and for 405, so that
// both see what routing saw. It must never decode before it has matched.

export type RoutePath = { readonly method: string; readonly path: string };

/** Path and query as they were sent. Not `new URL`: it throws on hosts that a client made up, and costs microseconds. */
export function splitUrl(url: string): readonly [path: string, query: string] {
  const scheme = url.indexOf("://");
  const start = url.startsWith("/") ? 0 : url.indexOf("/", scheme < 0 ? 0 : scheme + 3);
  if (start < 0) return ["", ""];
  const mark = url.indexOf("?", start);
  return mark < 0 ? [url.slice(start), ""] : [url.slice(start, mark), url.slice(mark + 1)];
}

/** What a row's `*` stands for in `path`: "" for a row without one, null when the path is not the row's. */
export function nameIn(pattern: string, path: string): string | null {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === path ? "" : null;
  const tail = pattern.slice(star + 1);
  if (!path.startsWith(pattern.slice(0, star)) || !path.endsWith(tail)) return null;
  const raw = path.slice(star, path.length - tail.length);
  // Ids of models hold slashes, and Google's clients leave them as they are before the verb (`models/org/name:verb`).
  const mayHoldSlash = tail === "" || tail.startsWith(":");
  if (raw === "" || path.length < pattern.length || (!mayHoldSlash && raw.includes("/"))) return null;
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}

export function methodsAt(table: readonly RoutePath[], path: string): string[] {
  const methods = new Set<string>();
  for (const route of table) {
    if (nameIn(route.path, path) === null) continue;
    methods.add(route.method);
    if (route.method === "GET") methods.add("HEAD");
  }
  return [...methods];
}

/** Several rows may share one: Elysia cannot tell verbs behind a wildcard apart, `nameIn` can. */
export function elysiaPath(path: string): string {
  const star = path.indexOf("*");
  return star < 0 || path[star + 1] === ":"
    ? path.slice(0, star < 0 ? undefined : star + 1)
    : path.endsWith("*")
      ? path
      : path.replace("*", ":name");
}
