// A store of the tenants' limits that answers asynchronously, as one behind a network would: over the counts of this process.

import type { LimitStore } from "../../src/tenants/limit-store.ts";

const roundTrip = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** From now on every answer of this store is a promise, except `usage`, which tests read. */
export function answerLater<Account>(store: LimitStore<Account>): void {
  // Calls that a call makes internally stay synchronous.
  const local: LimitStore<Account> = Object.create(
    Object.getPrototypeOf(store) as object,
    Object.getOwnPropertyDescriptors(store),
  );
  const later =
    <Values extends unknown[], Answer>(ask: (...values: Values) => Answer | Promise<Answer>) =>
    async (...values: Values): Promise<Answer> => {
      await roundTrip();
      const answer = await ask.apply(local, values);
      await roundTrip();
      return answer;
    };
  store.countRequest = later(local.countRequest);
  store.requestWaitMs = later(local.requestWaitMs);
  store.judge = later(local.judge);
  store.reserve = later(local.reserve);
  store.settle = async (account, reserved, real) => {
    await local.settle(account, reserved, real);
    await roundTrip();
  };
  store.usedUp = later(local.usedUp);
}
