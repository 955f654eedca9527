// Kept answers in memory, per tenant: bounded by bytes over all and by age, the least used go first. A conversation's items are
// counted once, however many of its answers share them.

import type { ItemText, KeptAnswer } from "../canon/kept-answer.ts";

/** What an answer takes besides its texts. */
const entryBytes = 512;
/** What naming one part of its history takes. */
const partBytes = 64;

type Entry = { readonly answer: KeptAnswer; readonly owner: Owner };
type Part = { readonly bytes: number; holders: number };

/** The answers of one tenant, least used first. */
type Owner = { readonly tenant: string | null; readonly entries: Map<string, Entry>; bytes: number };

export class AnswerTable {
  private readonly owners = new Map<string | null, Owner>();
  private readonly parts = new Map<string, Part>();
  private total = 0;

  get bytes(): number {
    return this.total;
  }

  get size(): number {
    let size = 0;
    for (const { entries } of this.owners.values()) size += entries.size;
    return size;
  }

  /** False: it is larger than `maxBytes` by itself. `removed` is called for each one that made room for it. */
  add(answer: KeptAnswer, maxBytes: number, removed: (id: string) => void): boolean {
    this.remove(answer.id, answer.tenant);
    const owner = this.ownerOf(answer.tenant);
    owner.entries.set(answer.id, { answer, owner });
    this.count(owner, ownBytes(answer));
    for (const part of partsOf(answer)) this.hold(owner, part);
    this.shrink(maxBytes, removed);
    return owner.entries.has(answer.id);
  }

  /** It becomes the most recently used of its tenant. */
  find(id: string, tenant: string | null): KeptAnswer | null {
    const owner = this.owners.get(tenant);
    const entry = owner?.entries.get(id);
    if (owner === undefined || entry === undefined) return null;
    owner.entries.delete(id);
    owner.entries.set(id, entry);
    return entry.answer;
  }

  has(id: string, tenant: string | null): boolean {
    return this.owners.get(tenant)?.entries.has(id) === true;
  }

  remove(id: string, tenant: string | null): boolean {
    const owner = this.owners.get(tenant);
    const entry = owner?.entries.get(id);
    if (owner === undefined || entry === undefined) return false;
    owner.entries.delete(id);
    this.count(owner, -ownBytes(entry.answer));
    for (const part of partsOf(entry.answer)) this.release(owner, part);
    if (owner.entries.size === 0) this.owners.delete(tenant);
    return true;
  }

  shrink(maxBytes: number, removed: (id: string) => void): void {
    while (this.total > maxBytes) {
      const largest = this.largestOwner();
      const [id] = largest?.entries.keys() ?? [];
      if (largest === null || id === undefined) return;
      this.remove(id, largest.tenant);
      removed(id);
    }
  }

  *answers(): Generator<KeptAnswer> {
    for (const { entries } of this.owners.values()) for (const { answer } of entries.values()) yield answer;
  }

  usage(): { tenant: string | null; answers: number; bytes: number }[] {
    return [...this.owners.values()].map(({ tenant, entries, bytes }) => ({
      tenant,
      answers: entries.size,
      bytes,
    }));
  }

  private largestOwner(): Owner | null {
    let largest: Owner | null = null;
    for (const owner of this.owners.values())
      if (largest === null || owner.bytes > largest.bytes) largest = owner;
    return largest;
  }

  private ownerOf(tenant: string | null): Owner {
    let owner = this.owners.get(tenant);
    if (owner === undefined) this.owners.set(tenant, (owner = { tenant, entries: new Map(), bytes: 0 }));
    return owner;
  }

  private hold(owner: Owner, { key, text }: ItemText): void {
    const held = this.parts.get(key);
    if (held !== undefined) {
      held.holders += 1;
      return;
    }
    const bytes = sizeOf(text);
    this.parts.set(key, { bytes, holders: 1 });
    this.count(owner, bytes);
  }

  private release(owner: Owner, { key }: ItemText): void {
    const held = this.parts.get(key);
    if (held === undefined) return;
    held.holders -= 1;
    if (held.holders > 0) return;
    this.parts.delete(key);
    this.count(owner, -held.bytes);
  }

  private count(owner: Owner, bytes: number): void {
    owner.bytes += bytes;
    this.total += bytes;
  }
}

export const partsOf = ({ history, output }: KeptAnswer): readonly ItemText[] => [...history, output];

/** Bytes that a text takes at most in memory. */
const sizeOf = (text: string): number => Math.max(text.length, Buffer.byteLength(text));

/** What an answer takes by itself. A long conversation is a list of its parts in each of its answers, in memory and on disk. */
const ownBytes = ({ response, history }: KeptAnswer): number =>
  entryBytes + sizeOf(response) + partBytes * history.length;
