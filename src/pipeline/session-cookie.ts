// The cookie of an operator who signed in on the dashboard, and the rule that only our own page may change something by it. A cookie
// goes to every port of a host, and a browser sends it without the page's doing: so it must never be enough for a change.

import { Failure } from "../canon/failure.ts";

const sessionCookie = "clawgate_session";
/** A browser may hold several of the same name, for narrower paths or domains; more than these are not read. */
const maxCookies = 4;
const tokenShape = /^[\w-]{20,100}$/;

/** The tokens of all cookies with our name. */
export function sessionTokens(headers: Headers): readonly string[] {
  const cookies = headers.get("cookie");
  if (cookies === null || !cookies.includes(sessionCookie)) return [];
  return cookies
    .split(";")
    .flatMap((each) => {
      const [name, value] = [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)];
      return name.trim() === sessionCookie && tokenShape.test(value.trim()) ? [value.trim()] : [];
    })
    .slice(0, maxCookies);
}

/** The value of Set-Cookie. `token` null: the browser forgets the cookie. */
export function setSessionCookie(token: string | null, maxAgeSeconds: number, isHttps: boolean): string {
  const age = token === null ? 0 : maxAgeSeconds;
  const parts = [
    `${sessionCookie}=${token ?? ""}`,
    "Path=/",
    "HttpOnly",
    "SameSite=Strict",
    `Max-Age=${age}`,
  ];
  return [...parts, ...(isHttps ? ["Secure"] : [])].join("; ");
}

/**
 * Throws Failure forbidden unless the browser says that the request comes from a page of this address. The server has refused foreign
 * origins before; an allowed one is our own page only where the browser says so itself, because a proxy gave us another Host.
 */
export function requireOwnPage(headers: Headers, isHttps: boolean): void {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const host = headers.get("host") ?? "";
  const own = isHttps ? [`https://${host}`] : [`http://${host}`, `https://${host}`];
  const isOwn = site === null ? origin !== null && own.includes(origin) : site === "same-origin";
  if (isOwn) return;
  throw new Failure(
    "forbidden",
    "A change by the session cookie is accepted only from the gateway's own page. Programs send the admin key instead.",
    { code: "foreign_origin" },
  );
}
