// Whose processes will probably be asked for first: who asked last, and for which model, kept over a restart.
// It must never hold a word of a request, nor name a model that has not answered.

import { isRecord } from "../../dialects/decoding.ts";

export type WarmKey = { readonly tenant: string | null; readonly model: string };

export type RecentKeys = {
  /** It has answered just now. */
  note(key: WarmKey): void;
  /** Of this gateway and the one before it, the newest first. Never rejects. */
  recall(): Promise<readonly WarmKey[]>;
  /** Never rejects. */
  save(): Promise<void>;
};

const maxKept = 8;

export function createRecentKeys(store: {
  get(): Promise<unknown>;
  set(value: unknown): Promise<void>;
}): RecentKeys {
  /** The newest last. */
  const keys = new Map<string, WarmKey>();
  let isSaved = true;
  let isRemembered = false;

  const put = (key: WarmKey): boolean => {
    const name = JSON.stringify([key.tenant, key.model]);
    const isNew = !keys.delete(name);
    keys.set(name, key);
    for (const oldest of keys.keys()) {
      if (keys.size <= maxKept) break;
      keys.delete(oldest);
    }
    return isNew;
  };
  /** What is noted here is newer than what is kept. */
  const remember = async (): Promise<void> => {
    if (isRemembered) return;
    const kept = keysIn(await store.get());
    if (isRemembered) return;
    isRemembered = true;
    const noted = [...keys.values()];
    for (const key of [...kept, ...noted]) put(key);
  };
  const save = async (): Promise<void> => {
    if (isSaved) return;
    isSaved = true;
    await remember();
    await store.set([...keys.values()]);
  };

  return {
    note(key) {
      isSaved = false;
      // The order alone is not worth writing before the end.
      if (put(key)) void save();
    },
    async recall() {
      await remember();
      return [...keys.values()].toReversed();
    },
    save,
  };
}

function keysIn(value: unknown): readonly WarmKey[] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).flatMap((each): WarmKey[] => {
    if (!isRecord(each)) return [];
    const { tenant, model } = each;
    const isTenant = tenant === null || typeof tenant === "string";
    return isTenant && typeof model === "string" ? [{ tenant, model }] : [];
  });
}
