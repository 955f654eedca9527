// Access control: which caller may call which kind of endpoint. It reads only headers and the peer's address; it must
// never look at a path, so that routing and authorization cannot see two different ones.

import { Failure } from "../canon/failure.ts";
import type { KeyDirectory } from "../tenants/key-directory.ts";
import type { GuessLimiter } from "../tenants/guess-limiter.ts";
import { createProxyHeaderFinder } from "./proxy-headers.ts";
import { requireOwnPage, sessionTokens } from "./session-cookie.ts";
import { addressSet, isLoopback } from "../wire/address.ts";

/** public: no key · data: a client key · read: operator, read-only · write: operator, changes something. */
export type RouteClass = "public" | "data" | "read" | "write";

export type RequestOrigin = {
  readonly headers: Headers;
  /** The TCP peer's address; null once the socket is closed. A function, because most requests never need it. */
  peer(): string | null;
};

/** `keyId` is the first 8 hex digits of the key's SHA-256. `isAdmin`: has the operator's rights. */
export type Caller = {
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly isAdmin: boolean;
  /** The program that the key was made for, or that names itself by it where no key is asked for. Absent: unknown. */
  readonly client?: string;
  /** By what an operator proved to be one, for the audit: "admin key ab12cd34", "run token", "session". Absent: by nothing. */
  readonly actor?: string;
};

/** Sessions of operators who signed in. */
export type SessionLookup = {
  /** Null: unknown, or over. */
  find(token: string): { readonly expiresMs: number } | null;
};

export type AccessOptions = {
  readonly directory: KeyDirectory;
  readonly guessLimiter: GuessLimiter;
  /** Addresses or CIDR ranges of the proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[];
  /** Absent: nobody can sign in. */
  readonly sessions?: SessionLookup;
  /** A provider passes the callers' own sign-ins on: then a bearer token is not looked at where no key is asked for. */
  readonly leavesBearer?: boolean;
};

/** How much of a public answer the caller may see. */
export type ReadAccess = {
  /** Whether the caller may read what the operator reads. */
  readonly mayRead: boolean;
  /** How long to delay the answer: a wrong key counts as a guess here too. */
  readonly holdMs: number;
};

export type Access = {
  /** Throws Failure unauthorized or forbidden. */
  (routeClass: RouteClass, facts: RequestOrigin): Caller;
  /** For an endpoint that refuses no caller but shows more to callers with read access. */
  readAccess(facts: RequestOrigin): ReadAccess;
  /** What the operator's own routes need to know of a caller. */
  readonly operator: OperatorAccess;
};

/** The session of a request, by its cookie. */
export type RequestSession = { readonly token: string; readonly expiresMs: number };

export type OperatorAccess = {
  readonly hasAdminKey: boolean;
  /** Null: the request has no cookie of a session that still holds. */
  session(facts: RequestOrigin): RequestSession | null;
  /** Whether a header carries the admin key or the state directory's token; a wrong key is not counted. */
  hasOperatorKey(facts: RequestOrigin): boolean;
  /** By what name the key is an operator's; null: it is not. */
  nameOf(key: string): string | null;
  /** For a wrong key or code: counts it against the caller's address. */
  wrongGuess(facts: RequestOrigin, message: string): Failure;
  /** The client's address, for the audit. */
  addressOf(facts: RequestOrigin): string;
  /** The client's connection was encrypted, as far as a trusted proxy says. */
  isHttps(facts: RequestOrigin): boolean;
  /** Throws Failure forbidden. */
  requireOwnPage(facts: RequestOrigin): void;
};

const anonymous: Caller = { tenant: null, keyId: null, isAdmin: false };
const operator: Caller = { tenant: null, keyId: null, isAdmin: true };
const sessionHolder: Caller = { ...operator, actor: "session" };

export function createAccess(options: AccessOptions): Access {
  const { directory } = options;
  const checks = new AccessChecks(options);
  const adminOnly = (key: string): Caller | null => {
    const actor = directory.adminName(key);
    return actor === null ? null : { ...operator, actor };
  };
  const keyHolder = (key: string): Caller | null => {
    const found = directory.identify(key);
    if (found === null) return null;
    const { tenant, keyId, client } = found;
    return client === null ? { tenant, keyId, isAdmin: false } : { tenant, keyId, isAdmin: false, client };
  };

  const access = (routeClass: RouteClass, facts: RequestOrigin): Caller => {
    switch (routeClass) {
      case "public":
        return anonymous;
      case "data":
        return directory.hasKeys
          ? checks.requireKey(facts, keyHolder, "an API key")
          : checks.requireLocal(facts, selfNamed(facts.headers, options.leavesBearer === true), "auth.keys");
      case "read":
        if (checks.isSignedIn(facts)) return sessionHolder;
        if (directory.hasAdminKey) return checks.requireKey(facts, adminOnly, "the admin key");
        // No admin key is set: a client's own key is not a guess, so it is not counted as one.
        if (presentedKeys(facts.headers).some(directory.isAdmin)) return operator;
        return checks.requireLocal(facts, operator, "auth.admin_key");
      case "write":
        if (checks.isSignedIn(facts)) {
          requireOwnPage(facts.headers, checks.isHttps(facts));
          return sessionHolder;
        }
        return checks.requireKey(
          facts,
          adminOnly,
          "the admin key or the token in the state directory's run.json",
        );
    }
  };
  return Object.assign(access, {
    operator: {
      hasAdminKey: directory.hasAdminKey,
      session: (facts) => checks.session(facts),
      hasOperatorKey: (facts) => presentedKeys(facts.headers).some(directory.isAdmin),
      nameOf: directory.adminName,
      wrongGuess: (facts, message) => checks.wrongGuess(facts, message),
      addressOf: (facts) => checks.clientAddress(facts),
      isHttps: (facts) => checks.isHttps(facts),
      requireOwnPage: (facts) => requireOwnPage(facts.headers, checks.isHttps(facts)),
    } satisfies OperatorAccess,
    readAccess(facts: RequestOrigin): ReadAccess {
      const keys = directory.hasAdminKey ? presentedKeys(facts.headers) : [];
      // Clients send their own key to every endpoint: that is not a guess at the operator's key.
      if (!keys.some(directory.isAdmin) && keys.some((key) => keyHolder(key) !== null)) return noReadAccess;
      try {
        access("read", facts);
        return readerAccess;
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        return thrown.holdMs === 0 ? noReadAccess : { mayRead: false, holdMs: thrown.holdMs };
      }
    },
  });
}

/** What a request must prove: a known key, or that it comes from this machine. */
class AccessChecks {
  private readonly guessLimiter: GuessLimiter;
  private readonly proxyHeaderIn = createProxyHeaderFinder();
  private readonly proxies: ReturnType<typeof addressSet>;
  private readonly sessions: SessionLookup | null;

  constructor({ guessLimiter, trustedProxies, sessions }: AccessOptions) {
    this.guessLimiter = guessLimiter;
    this.proxies = addressSet(trustedProxies);
    this.sessions = sessions ?? null;
  }

  session({ headers }: RequestOrigin): RequestSession | null {
    if (this.sessions === null) return null;
    for (const token of sessionTokens(headers)) {
      const found = this.sessions.find(token);
      if (found !== null) return { token, expiresMs: found.expiresMs };
    }
    return null;
  }

  /** A request that carries a key is judged by its key alone. An old cookie is no guess: every open page sends one after a restart. */
  isSignedIn(facts: RequestOrigin): boolean {
    if (!facts.headers.has("cookie") || presentedKeys(facts.headers).length > 0) return false;
    return this.session(facts) !== null;
  }

  isHttps(facts: RequestOrigin): boolean {
    const scheme = facts.headers.get("x-forwarded-proto");
    if (scheme === null || scheme.split(",").at(-1)?.trim().toLowerCase() !== "https") return false;
    const peer = facts.peer();
    return peer !== null && this.proxies.holds(peer);
  }

  wrongGuess(facts: RequestOrigin, message: string): Failure {
    return new Failure("unauthorized", message, {
      code: "invalid_api_key",
      holdMs: this.guessLimiter.failed(this.clientAddress(facts)),
    });
  }

  requireKey(facts: RequestOrigin, find: (key: string) => Caller | null, wanted: string): Caller {
    const presented = presentedKeys(facts.headers);
    if (presented.length === 0)
      throw new Failure("unauthorized", `This endpoint needs ${wanted}; ${howToSend}`);
    for (const key of presented) {
      const caller = find(key);
      // A correct secret is never delayed, whatever other callers at this address have tried.
      if (caller !== null) return caller;
    }
    throw this.wrongGuess(facts, `The key was not accepted. This endpoint needs ${wanted}.`);
  }

  requireLocal(facts: RequestOrigin, caller: Caller, remedy: string): Caller {
    const peer = facts.peer();
    let address = peer;
    const header = this.proxyHeaderIn(facts.headers);
    if (header !== null) {
      if (peer === null || !this.proxies.holds(peer))
        throw new Failure(
          "forbidden",
          `This request came through a proxy or tunnel (it carries the header ${header.slice(0, 64)}) without an accepted key. Set ${remedy}, or name the proxy in server.trusted_proxies.`,
        );
      address = clientBehind(facts.headers, this.proxies.holds);
    }
    if (address === null || !isLoopback(address))
      throw new Failure("forbidden", `Without ${remedy} this endpoint answers only its own machine.`);
    return caller;
  }

  /** Counts wrong keys against this address; unlike `requireLocal`, it refuses no caller. */
  clientAddress(facts: RequestOrigin): string {
    const peer = facts.peer();
    if (peer === null) return "unknown";
    return (this.proxies.holds(peer) ? clientBehind(facts.headers, this.proxies.holds) : null) ?? peer;
  }
}

const readerAccess: ReadAccess = { mayRead: true, holdMs: 0 };
const noReadAccess: ReadAccess = { mayRead: false, holdMs: 0 };

const howToSend =
  'send it as "Authorization: Bearer <key>", "x-api-key: <key>", "x-goog-api-key: <key>" or "x-clawgate-key: <key>".';

const keyHeaders = ["x-api-key", "x-goog-api-key"];

/**
 * Our own header is for clients whose other headers carry another key. A request may carry several keys: OpenClaw with authHeader fills two headers. The URL is never read: URLs end up in
 * logs.
 */
function presentedKeys(headers: Headers): string[] {
  // Then the other headers carry what is meant for others, and it is not even looked at.
  const own = headers.get("x-clawgate-key");
  if (own !== null && own !== "") return [own];
  const keys: string[] = [];
  const authorization = headers.get("authorization");
  if (authorization !== null && authorization.slice(0, 7).toLowerCase() === "bearer ") {
    const key = authorization.slice(7).trim();
    if (key !== "") keys.push(key);
  }
  for (const name of keyHeaders) {
    const key = headers.get(name);
    if (key !== null && key !== "" && !keys.includes(key)) keys.push(key);
  }
  return keys;
}

const ownWord = /^clawgate-([a-z][a-z0-9-]{0,39})$/;

/** Without keys the word `clawgate-<client>` in the place of one names the client, and proves nothing. */
function selfNamed(headers: Headers, leavesBearer: boolean): Caller {
  let client = wordIn(headers.get("x-clawgate-key"));
  const authorization = client !== null || leavesBearer ? null : headers.get("authorization");
  if (authorization?.startsWith("Bearer ") === true) client = wordIn(authorization.slice(7));
  for (const name of keyHeaders) client ??= wordIn(headers.get(name));
  return client === null ? anonymous : { tenant: null, keyId: null, isAdmin: false, client };
}

const wordIn = (key: string | null): string | null =>
  key === null ? null : (ownWord.exec(key)?.[1] ?? null);

/** The last address in X-Forwarded-For that is not a trusted proxy's own; null when there is none to trust. */
function clientBehind(headers: Headers, isTrusted: (address: string) => boolean): string | null {
  const chain = (headers.get("x-forwarded-for") ?? "").split(",").slice(-maxHops);
  let address: string | null = null;
  for (let i = chain.length - 1; i >= 0; i--) {
    address = (chain[i] ?? "").trim().slice(0, 64);
    if (!isTrusted(address)) return address === "" ? null : address;
  }
  return address;
}

const maxHops = 32;
