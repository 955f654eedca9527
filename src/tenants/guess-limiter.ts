// Wrong keys, counted per address. It lives as long as the process (a reload must not forgive), and its memory is bounded.
// It must never be asked about a right key: what others at an address do holds nobody back. It slows answers and changes none.

export type GuessLimiter = {
  /** Counts a wrong key. Milliseconds for which the answer is to be kept back: 0 until the address has had its share. */
  failed(address: string): number;
};

export type GuessLimiterOptions = {
  /** Monotonic clock. */
  nowMs(): number;
  /** Wrong keys a window and address (default 20). */
  readonly limit?: number;
  readonly windowMs?: number;
  readonly maxAddresses?: number;
  /** How long an answer is kept back (default 1 s). */
  readonly holdMs?: number;
  /** Answers kept back at the same time, of all addresses (default 64): each holds a connection. Further ones are given at once. */
  readonly maxHeld?: number;
  /**
   * Told once a window of each network that has had its share. Of the first few only: `more` says that the rest of this
   * window's will not be told.
   */
  readonly onHeldBack?: (network: string, more: boolean) => void;
};

type AddressAccount = { endsAtMs: number; failures: number; isReported: boolean };

/** Whoever has many addresses could fill the log. */
const maxReports = 10;

export function createGuessLimiter(options: GuessLimiterOptions): GuessLimiter {
  const { nowMs, limit = 20, windowMs = 60_000, maxAddresses = 4096, onHeldBack } = options;
  const { holdMs = 1_000, maxHeld = 64 } = options;
  /** When each answer that is kept back will be given, the next one first. */
  const delayedUntilMs: number[] = [];
  const accounts = new Map<string, AddressAccount>();
  let reportWindowEndMs = Number.NEGATIVE_INFINITY;
  let reported = 0;

  function open(network: string): AddressAccount {
    const known = accounts.get(network);
    if (known !== undefined && known.endsAtMs > nowMs()) return known;
    // Behind the others again: windows are equally long, so the first in the map is the first to end.
    accounts.delete(network);
    const oldest = accounts.size >= maxAddresses ? accounts.keys().next().value : undefined;
    if (oldest !== undefined) accounts.delete(oldest);
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
 * Who counts as one. An IPv6 customer owns at least a /64, so that counting single addresses would count nothing; a proxy may
 * write a port behind the address, which is another one with every connection.
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

/** Written without leading zeros; an IPv4 address at the end stands for two groups. */
function groupsOf(text: string): string[] {
  const groups = text.split(":").filter((group) => group !== "");
  return groups.flatMap((group) =>
    group.includes(".") ? ["v4", group] : [group.replace(/^0+(?=[0-9a-f])/, "")],
  );
}
