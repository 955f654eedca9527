// An upstream's address as people may see it: some gateways and bots take their token as a part of the path. Anything that is not
// clearly a name is masked; the result must never be used for a request.

import { looksLikeCredential, mask } from "../../canon/redact.ts";

/** The part after one of these names belongs to the account: it is not a secret, and distinguishes two providers. */
const owners =
  /^(?:accounts?|projects?|locations?|regions?|zones?|publishers?|organizations?|orgs?|workspaces?|deployments?|endpoints?|serving-endpoints|engines?|models?|providers?|gateways?|subscriptions|resourcegroups)$/i;
/** Hosts whose path contains the account's id after the version. */
const accountHosts = new Set(["gateway.ai.cloudflare.com"]);

const version = /^v\d[a-z0-9.-]{0,15}$/i;
/** `openai`, `compatible-mode`, `text-generation-inference`, `gpt-4o`. */
const name = /^[a-z0-9]+(?:[-_.~][a-z0-9]+){0,2}$/i;
const word = /^(?:[a-z]{1,14}|\d{1,4}|[a-z0-9]{1,4})$/i;
const secretName = /secret|token|passw|credential|api-?key/i;
const id =
  /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9]{1,20}(?:[-_.][a-z0-9]{1,20}){0,7})$/i;

/** The path segments that may be secrets, as written. */
function secretParts(url: URL): readonly string[] {
  const parts = url.pathname.split("/").slice(1);
  return parts.filter((part, at) => part !== "" && !isPlain(part, parts[at - 1] ?? "", at, url.host));
}

function isPlain(part: string, before: string, at: number, host: string): boolean {
  const text = decoded(part);
  if (looksLikeCredential(text) || secretName.test(text)) return false;
  if (version.test(text)) return true;
  if (owners.test(before) || (at === 1 && accountHosts.has(host))) return id.test(text);
  return name.test(text) && text.split(/[-_.~]/).every((each) => word.test(each));
}

/** Origin and path, with what may be a secret in the path masked; user, query and fragment are left out. */
export function shownAddress(address: string): string {
  const url = URL.parse(address);
  if (url === null) return mask;
  const hidden = new Set(secretParts(url));
  const path = url.pathname
    .split("/")
    .map((part) => (hidden.has(part) ? mask : part))
    .join("/");
  return url.origin + (path === "/" ? "" : path);
}

/** The secrets of an address: path segments, user name and password, query values. */
export function secretsInAddress(address: string): readonly string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const user = decoded(url.username);
  const password = decoded(url.password);
  const written = [
    ...secretParts(url),
    url.password,
    ...(password === "" ? [] : [Buffer.from(`${user}:${password}`).toString("base64")]),
    ...url.searchParams.values(),
  ];
  // A user name without a password is a token.
  if (password === "") written.push(url.username);
  return written.flatMap((text) => [text, decoded(text)]).filter((text) => text !== "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
