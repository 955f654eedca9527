// Access control: which caller may call which kind of endpoint. It reads only headers and the peer's address; it must
// never look at a path, so that routing and authorization cannot see two different ones.

import { Failure } from "../canon/failure.ts";
import type { KeyDirectory } from "../tenants/key-directory.ts";
import type { GuessLimiter } from "../tenants/guess-limiter.ts";
import { createProxyHeaderFinder } from "./proxy-headers.ts";
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
};

export type AccessOptions = {
  readonly directory: KeyDirectory;
  readonly guessLimiter: GuessLimiter;
  /** Addresses or CIDR ranges of the proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[];
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
};

const anonymous: Caller = { tenant: null, keyId: null, isAdmin: false };
const operator: Caller = { tenant: null, keyId: null, isAdmin: true };

export function createAccess(options: AccessOptions): Access {
  const { directory } = options;
  const checks = new AccessChecks(options);
  const adminOnly = (key: string): Caller | null => (directory.isAdmin(key) ? operator : null);
  const keyHolder = (key: string): Caller | null => {
    const found = directory.identify(key);
    return found === null ? null : { tenant: found.tenant, keyId: found.keyId, isAdmin: false };
  };

  const access = (routeClass: RouteClass, facts: RequestOrigin): Caller => {
    switch (routeClass) {
      case "public":
        return anonymous;
      case "data":
        return directory.hasKeys
          ? checks.requireKey(facts, keyHolder, "an API key")
          : checks.requireLocal(facts, anonymous, "auth.keys");
      case "read":
        if (directory.hasAdminKey) return checks.requireKey(facts, adminOnly, "the admin key");
        // No admin key is set: a client's own key is not a guess, so it is not counted as one.
        if (presentedKeys(facts.headers).some(directory.isAdmin)) return operator;
        return checks.requireLocal(facts, operator, "auth.admin_key");
      case "write":
        return checks.requireKey(
          facts,
          adminOnly,
          "the admin key or the token in the state directory's run.json",
        );
    }
  };
  return Object.assign(access, {
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

  constructor({ guessLimiter, trustedProxies }: AccessOptions) {
    this.guessLimiter = guessLimiter;
    this.proxies = addressSet(trustedProxies);
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
    throw new Failure("unauthorized", `The key was not accepted. This endpoint needs ${wanted}.`, {
      code: "invalid_api_key",
      holdMs: this.guessLimiter.failed(this.clientAddress(facts)),
    });
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
  private clientAddress(facts: RequestOrigin): string {
    const peer = facts.peer();
    if (peer === null) return "unknown";
    return (this.proxies.holds(peer) ? clientBehind(facts.headers, this.proxies.holds) : null) ?? peer;
  }
}

const readerAccess: ReadAccess = { mayRead: true, holdMs: 0 };
const noReadAccess: ReadAccess = { mayRead: false, holdMs: 0 };

const howToSend =
  'send it as "Authorization: Bearer <key>", "x-api-key: <key>", "x-goog-api-key: <key>" or "x-clawgate-key: <key>".';

// The last one is our own header, for clients whose other headers carry another key.
const keyHeaders = ["x-api-key", "x-goog-api-key", "x-clawgate-key"];

/**
 * A request may carry several keys: OpenClaw with authHeader fills two headers. The URL is never read: URLs end up in
 * logs.
 */
function presentedKeys(headers: Headers): string[] {
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
