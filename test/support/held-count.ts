// Counts the answers that a local vendor holds back, and lets tests wait for a number of them. It must never hold anything itself.

export class HeldCount {
  #held = 0;
  readonly #waiters = new Set<() => void>();

  get held(): number {
    return this.#held;
  }

  hold(): void {
    this.#held += 1;
    for (const wake of this.#waiters) wake();
  }

  letGo(): void {
    this.#held -= 1;
  }

  /** Settles when this many are held at the same time; rejects after 10 s. */
  waitFor(count: number): Promise<void> {
    const reached = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reached.reject(new Error(`Only ${this.#held} of ${count} requests are held at the same time.`)),
      10_000,
    );
    const look = (): void => {
      if (this.#held < count) return;
      clearTimeout(timer);
      this.#waiters.delete(look);
      reached.resolve();
    };
    this.#waiters.add(look);
    look();
    return reached.promise;
  }
}
