// Matches raw paths against the patterns of the route table. Names and 405 answers use the same matcher, so that both see what
// routing saw. It must never decode before it has matched.

export type RoutePath = { readonly method: string; readonly path: string };

/** Path and query as sent. Not `new URL`: it throws on invalid hosts, and costs microseconds. */
export function splitUrl(url: string): readonly [path: string, query: string] {
  const scheme = url.indexOf("://");
  const start = url.startsWith("/") ? 0 : url.indexOf("/", scheme < 0 ? 0 : scheme + 3);
  if (start < 0) return ["", ""];
  const mark = url.indexOf("?", start);
  return mark < 0 ? [url.slice(start), ""] : [url.slice(start, mark), url.slice(mark + 1)];
}

/**
 * The part of `path` that a row's `*` matches: "" for a row without one, null if the path does not match the row. Of two `*` each
 * matches one segment, and both are returned with a slash between them.
 */
export function nameIn(pattern: string, path: string): string | null {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === path ? "" : null;
  const tail = pattern.slice(star + 1);
  if (tail.includes("*")) return namesIn(pattern, path);
  if (!path.startsWith(pattern.slice(0, star)) || !path.endsWith(tail)) return null;
  const raw = path.slice(star, path.length - tail.length);
  // Model ids contain slashes, and Google's clients leave them unencoded before the verb (`models/org/name:verb`).
  const mayHoldSlash = tail === "" || tail.startsWith(":");
  if (raw === "" || path.length < pattern.length || (!mayHoldSlash && raw.includes("/"))) return null;
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}

function namesIn(pattern: string, path: string): string | null {
  const rows = pattern.split("/");
  const parts = path.split("/");
  if (rows.length !== parts.length) return null;
  const names: string[] = [];
  for (const [at, row] of rows.entries()) {
    const part = parts[at] ?? "";
    if (row !== "*") {
      if (row !== part) return null;
      continue;
    }
    if (part === "") return null;
    try {
      names.push(decodeURIComponent(part));
    } catch {
      return null;
    }
  }
  return names.join("/");
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

/** The path that a client meant whose base URL has one version or slash too many or too few, or null. */
export function suggestedPath(table: readonly RoutePath[], path: string): string | null {
  const plain = path
    .slice(0, 500)
    .replace(/\/{2,}/g, "/")
    .replace(/\/$/, "");
  const bare = plain.replace(/^(?:\/v1(?:beta)?)+(?=\/)/, "");
  // Ids contain colons too, but a verb after one is Google's.
  const versions = /:[a-zA-Z]+$/.test(bare) ? ["/v1beta", "/v1"] : ["/v1", "/v1beta"];
  const meant = [plain, ...versions.map((version) => version + bare)].filter(
    (each) => methodsAt(table, each).length > 0,
  );
  return meant.find((each) => each !== path && /^[\w/:.%~-]+$/.test(each)) ?? null;
}

/** Several rows may share one: Elysia cannot distinguish verbs after a wildcard, `nameIn` can. */
export function elysiaPath(path: string): string {
  const star = path.indexOf("*");
  return star < 0 || path[star + 1] === ":"
    ? path.slice(0, star < 0 ? undefined : star + 1)
    : path.endsWith("*") && path.indexOf("*") === path.length - 1
      ? path
      : path.replace("*", ":name").replace("*", ":part");
}
