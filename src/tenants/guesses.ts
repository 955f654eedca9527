// Wrong keys, counted per address. It lives as long as the process (a reload must not forgive), and its memory is bounded.

export type Guesses = {
  /** Counts a wrong key. Milliseconds until this address may try again when it has had its share, else null. */
  failed(address: string, fingerprint: string): number | null;
  /** Milliseconds for which even a right key from this address is refused, because it tried many different ones. */
  suspectForMs(address: string): number | null;
  /** True while no address has a failure on its account: the usual case costs no look-up. */
  isQuiet(): boolean;
};

export type GuessesOptions = {
  /** Monotonic clock. */
  nowMs(): number;
  /** Wrong keys a window and address (default 20). */
  readonly limit?: number;
  readonly windowMs?: number;
  readonly maxAddresses?: number;
};

type Account = { endsAtMs: number; failures: number; readonly tried: Set<string> };

export function createGuesses(options: GuessesOptions): Guesses {
  const { nowMs, limit = 20, windowMs = 60_000, maxAddresses = 4096 } = options;
  const accounts = new Map<string, Account>();

  function open(address: string): Account | null {
    const account = accounts.get(address);
    if (account === undefined || account.endsAtMs > nowMs()) return account ?? null;
    accounts.delete(address);
    return null;
  }

  return {
    failed(address, fingerprint) {
      const key = networkOf(address);
      let account = open(key);
      if (account === null) {
        // Windows are equally long, so the first in the map is the first to end.
        const oldest = accounts.size >= maxAddresses ? accounts.keys().next().value : undefined;
        if (oldest !== undefined) accounts.delete(oldest);
        account = { endsAtMs: nowMs() + windowMs, failures: 0, tried: new Set() };
        accounts.set(key, account);
      }
      if (account.failures >= limit) return account.endsAtMs - nowMs();
      account.failures++;
      account.tried.add(fingerprint);
      return null;
    },
    // One client with one stale key is no guesser: it is held back itself, its neighbours at the same address are not.
    suspectForMs(address) {
      const account = open(networkOf(address));
      return account !== null && account.tried.size >= limit ? account.endsAtMs - nowMs() : null;
    },
    isQuiet: () => accounts.size === 0,
  };
}

/** An IPv6 customer owns at least a /64, so that counting single addresses would count nothing. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const front = head.split(":").filter((group) => group !== "");
  const back = (tail ?? "").split(":").filter((group) => group !== "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(zeros).fill("0"), ...back].slice(0, 4).join(":");
}
