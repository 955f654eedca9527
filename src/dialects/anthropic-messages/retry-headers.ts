// The headers of Anthropic's answers that its clients read to decide whether and when to try again. They pass unchanged to a client
// of the same format.

const longestValue = 500;
const plainNames: ReadonlySet<string> = new Set(["x-should-retry", "retry-after"]);

/** What is left of a key's or a plan's quota, whatever limits there will be. */
export const isQuotaHeader = (name: string): boolean => name.startsWith("anthropic-ratelimit-");

export function retryHeaders(headers: Headers): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const written = headers.toJSON() as Readonly<Record<string, string>>;
  for (const name in written) {
    const value = written[name] ?? "";
    if ((plainNames.has(name) || isQuotaHeader(name)) && isPlain(value)) found[name] = value;
  }
  return found;
}

const isPlain = (value: string): boolean => value.length <= longestValue && /^[\x20-\x7e]*$/.test(value);
