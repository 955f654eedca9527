// Who may call what: a table as code. It reads headers and the peer's address and nothing else;
// it must never look at a path, so that routing and authorization cannot see two different ones.

import { Failure } from "../canon/failure.ts";
import type { KeyDirectory } from "../tenants/key-directory.ts";
import type { GuessLimiter } from "../tenants/guess-limiter.ts";
import { createProxyHeaderFinder } from "./proxy-headers.ts";
import { addressSet, isLoopback } from "../wire/address.ts";

/** public: nothing needed · data: a client key · read: the operator looks · write: the operator changes something. */
export type RouteClass = "public" | "data" | "read" | "write";

export type RequestOrigin = {
  readonly headers: Headers;
  /** The address of the TCP peer, null when the socket is gone. A function, because most requests never need it. */
  peer(): string | null;
};

/** `keyId` is the first 8 hex digits of the key's SHA-256. `isAdmin`: may see and do what the operator may. */
export type Caller = {
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly isAdmin: boolean;
};

export type AccessOptions = {
  readonly directory: KeyDirectory;
  readonly guessLimiter: GuessLimiter;
  /** Addresses or CIDR ranges of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
};

/** How much a caller sees of an answer that every caller gets. */
export type ReadAccess = {
  /** May this caller read what the operator reads? */
  readonly mayRead: boolean;
  /** How long the answer is to be kept back: a wrong key is a guess here too. */
  readonly holdMs: number;
};

export type Access = {
  /** Throws Failure unauthorized or forbidden. */
  (routeClass: RouteClass, facts: RequestOrigin): Caller;
  /** For an answer that refuses no caller and shows readers more. */
  readAccess(facts: RequestOrigin): ReadAccess;
};

const nobody: Caller = { tenant: null, keyId: null, isAdmin: false };
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
        return nobody;
      case "data":
        return directory.hasKeys
          ? checks.requireKey(facts, keyHolder, "an API key")
          : checks.requireLocal(facts, nobody, "auth.keys");
      case "read":
        if (directory.hasAdminKey) return checks.requireKey(facts, adminOnly, "the admin key");
        // No admin key: a client's own key is no guess here, so it is not counted as one.
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
      // Clients send their own key wherever they go: that is no guess at the operator's.
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

/** What a request must show: a key that is known, or that it comes from this machine. */
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
      // Whatever others at this address have tried: a right secret is never held back.
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

  /** Wrong keys are counted against this address; unlike `requireLocal` it refuses no caller. */
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

// The last one is ours alone, for clients whose other headers carry another key.
const keyHeaders = ["x-api-key", "x-goog-api-key", "x-clawgate-key"];

/** Several places at once: OpenClaw with authHeader fills two. Never the address: it ends up in logs. */
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

/** The last address in X-Forwarded-For that no trusted proxy wrote about itself; null when there is none to believe. */
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
