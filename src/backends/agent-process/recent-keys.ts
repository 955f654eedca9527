// Remembers across restarts which tenants asked last and for which model, because their processes will probably be
// needed first. It must never contain any text of a request, nor a model that has not answered.

import { LRUCache } from "lru-cache";
import { isRecord } from "../../dialects/decoding.ts";

export type WarmKey = { readonly tenant: string | null; readonly model: string };

export type RecentKeys = {
  /** Records an answer. */
  note(key: WarmKey): void;
  /** Keys of this gateway and the previous one, the newest first. Never rejects. */
  recall(): Promise<readonly WarmKey[]>;
  /** Never rejects. */
  save(): Promise<void>;
};

const maxKept = 8;

export function createRecentKeys(store: {
  get(): Promise<unknown>;
  set(value: unknown): Promise<void>;
}): RecentKeys {
  const keys = new LRUCache<string, WarmKey>({ max: maxKept });
  let isSaved = true;
  let isRemembered = false;

  const put = (key: WarmKey): boolean => {
    const name = JSON.stringify([key.tenant, key.model]);
    const isNew = !keys.has(name);
    keys.set(name, key);
    return isNew;
  };
  const oldestFirst = (): WarmKey[] => [...keys.values()].toReversed();
  /** What is noted here is newer than what is stored. */
  const remember = async (): Promise<void> => {
    if (isRemembered) return;
    const kept = keysIn(await store.get());
    if (isRemembered) return;
    isRemembered = true;
    const noted = oldestFirst();
    for (const key of [...kept, ...noted]) put(key);
  };
  const save = async (): Promise<void> => {
    if (isSaved) return;
    isSaved = true;
    await remember();
    await store.set(oldestFirst());
  };

  return {
    note(key) {
      isSaved = false;
      // A changed order alone is written only at the end.
      if (put(key)) void save();
    },
    async recall() {
      await remember();
      return [...keys.values()];
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
