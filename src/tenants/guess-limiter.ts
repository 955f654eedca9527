// Counts wrong keys per address and delays answers to them. It lives as long as the process (a reload must not reset it), and
// its memory is bounded. It must never be used for a correct key: other callers at an address must not delay it. It delays
// answers and changes none.

import { LRUCache } from "lru-cache";

export type GuessLimiter = {
  /**
   * Counts a wrong key. Returns how many milliseconds to delay the answer: 0 until the address has used up its share.
   */
  failed(address: string): number;
};

export type GuessLimiterOptions = {
  /** Monotonic clock. */
  nowMs(): number;
  /** Wrong keys per window and address (default 20). */
  readonly limit?: number;
  readonly windowMs?: number;
  readonly maxAddresses?: number;
  /** How long an answer is delayed (default 1 s). */
  readonly holdMs?: number;
  /** Delayed answers at the same time, for all addresses (default 64): each holds a connection. Further ones are sent at once. */
  readonly maxHeld?: number;
  /**
   * Called once per window for each network that has used up its share. Only for the first few: `more` means that the
   * window's other networks are not reported.
   */
  readonly onHeldBack?: (network: string, more: boolean) => void;
};

type AddressAccount = { endsAtMs: number; failures: number; isReported: boolean };

/** A caller with many addresses could fill the log. */
const maxReports = 10;

export function createGuessLimiter(options: GuessLimiterOptions): GuessLimiter {
  const { nowMs, limit = 20, windowMs = 60_000, maxAddresses = 4096, onHeldBack } = options;
  const { holdMs = 1_000, maxHeld = 64 } = options;
  /** When each delayed answer will be sent, the next one first. */
  const delayedUntilMs: number[] = [];
  // Never read with `get`: a new account goes behind the others, and windows are equally long, so the first to end is evicted.
  const accounts = new LRUCache<string, AddressAccount>({ max: maxAddresses });
  let reportWindowEndMs = Number.NEGATIVE_INFINITY;
  let reported = 0;

  function open(network: string): AddressAccount {
    const known = accounts.peek(network);
    if (known !== undefined && known.endsAtMs > nowMs()) return known;
    const account: AddressAccount = { endsAtMs: nowMs() + windowMs, failures: 0, isReported: false };
    accounts.set(network, account);
    return account;
  }

  function report(network: string): void {
    if (nowMs() >= reportWindowEndMs) {
      reportWindowEndMs = nowMs() + windowMs;
      reported = 0;
    }
    reported += 1;
    if (reported <= maxReports) onHeldBack?.(network, reported === maxReports);
  }

  function delay(): number {
    const now = nowMs();
    while ((delayedUntilMs[0] ?? Number.POSITIVE_INFINITY) <= now) delayedUntilMs.shift();
    if (delayedUntilMs.length >= maxHeld) return 0;
    delayedUntilMs.push(now + holdMs);
    return holdMs;
  }

  return {
    failed(address) {
      const network = networkOf(address);
      const account = open(network);
      if (account.failures < limit) {
        account.failures += 1;
        return 0;
      }
      if (!account.isReported) report(network);
      account.isReported = true;
      return delay();
    },
  };
}

/**
 * What counts as one caller. An IPv6 customer owns at least a /64, so counting single addresses would be useless; a proxy may
 * append a port, which differs with every connection.
 */
function networkOf(address: string): string {
  const bare = withoutPort(address.toLowerCase());
  const mapped = /^(?:0*:){2,}ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  if (!bare.includes(":")) return bare;
  const [head = "", tail] = bare.split("::");
  const front = groupsOf(head);
  const back = groupsOf(tail ?? "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return `${[...front, ...Array<string>(zeros).fill("0"), ...back].slice(0, 4).join(":")}::/64`;
}

function withoutPort(address: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(address)?.[1];
  return bracketed ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address;
}

/** Written without leading zeros; an IPv4 address at the end counts as two groups. */
function groupsOf(text: string): string[] {
  const groups = text.split(":").filter((group) => group !== "");
  return groups.flatMap((group) =>
    group.includes(".") ? ["v4", group] : [group.replace(/^0+(?=[0-9a-f])/, "")],
  );
}
