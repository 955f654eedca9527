// The audit: who changed what and when, kept over restarts, bounded in number and age. It must never hold a key, a value of the config
// or anything else that was sent along with a request.

import { createUlids } from "../canon/id.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";

export type AuditAction =
  | "alerts.test"
  | "config.reload"
  | "config.save"
  | "config.undo"
  | "doctor.run"
  | "key.create"
  | "key.rotate"
  | "key.revoke"
  | "provider.reset"
  | "provider.test"
  | "request.cancel"
  | "request_log.delete"
  | "request_log.read"
  | "responses.delete"
  | "session.code"
  | "session.sign_in"
  | "session.refused"
  | "session.sign_out";

export type AuditEvent = {
  /** "admin key ab12cd34", "run token", "session", "file", "signal"; "nobody" for a sign-in that was refused. */
  readonly actor: string;
  /** Of the client; null: it came from no connection. */
  readonly address: string | null;
  readonly action: AuditAction;
  /** What it was done to: a file, a tenant, a provider, a request; "" for none. */
  readonly subject: string;
  readonly detail: string;
};

export type AuditEntry = AuditEvent & { readonly id: string; readonly atMs: number };

const namespace = "audit";
const keptMs = 180 * 86_400_000;
const maxEntries = 2_000;
/** Anybody can fail to sign in: that must not push out what operators did. */
const maxRefused = 200;
const maxRefusedPerMinute = 10;
const maxText = 500;

export type AuditLogOptions = {
  readonly store: Pick<StateStore, "set" | "delete" | "list">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Pick<Log, "warn">;
  readonly redact: (text: string) => string;
};

export class AuditLog {
  private readonly newId = createUlids();
  /** Oldest first. */
  private entries: readonly AuditEntry[] = [];
  private refusedSince = { minute: 0, count: 0 };

  constructor(private readonly options: AuditLogOptions) {}

  /** Reads what earlier processes noted. Once, before the first request. */
  async load(): Promise<void> {
    const rows = await this.options.store.list(namespace);
    const read = rows.flatMap(({ key, value }) => readEntry(key, value) ?? []);
    this.entries = [...read, ...this.entries].toSorted(byTime);
    this.prune();
  }

  note(event: AuditEvent): void {
    if (event.action === "session.refused" && !this.mayNoteRefusal()) return;
    const { store, clock, redact } = this.options;
    const atMs = clock.nowMs();
    const shown = (text: string): string => redact(text).slice(0, maxText);
    const entry: AuditEntry = {
      id: this.newId(atMs),
      atMs,
      actor: event.actor,
      address: event.address?.replace(/[^\w.:%-]/g, "").slice(0, 64) ?? null,
      action: event.action,
      subject: shown(event.subject),
      detail: shown(event.detail),
    };
    this.entries = [...this.entries, entry];
    const { id, ...kept } = entry;
    this.stored(store.set(namespace, id, kept, atMs + keptMs));
    this.prune();
  }

  /** Newest first. `cursor`: the `next` of the page before. */
  page(
    limit: number,
    cursor: string | null,
  ): { readonly entries: readonly AuditEntry[]; readonly next: string | null } {
    this.prune();
    const newest = this.entries.toReversed();
    const from = cursor === null ? 0 : newest.findIndex(({ id }) => id === cursor) + 1;
    // The entry of the cursor is gone with all older ones.
    if (cursor !== null && from === 0) return { entries: [], next: null };
    const entries = newest.slice(from, from + limit);
    return { entries, next: from + limit < newest.length ? (entries.at(-1)?.id ?? null) : null };
  }

  private mayNoteRefusal(): boolean {
    const minute = Math.floor(this.options.clock.nowMs() / 60_000);
    if (minute !== this.refusedSince.minute) this.refusedSince = { minute, count: 0 };
    this.refusedSince.count += 1;
    return this.refusedSince.count <= maxRefusedPerMinute;
  }

  private prune(): void {
    const oldestMs = this.options.clock.nowMs() - keptMs;
    const refused = this.entries.filter(({ action }) => action === "session.refused");
    const surplus = new Set(refused.slice(0, Math.max(0, refused.length - maxRefused)));
    const kept = this.entries.filter((each) => each.atMs > oldestMs && !surplus.has(each)).slice(-maxEntries);
    if (kept.length === this.entries.length) return;
    const ids = new Set(kept.map(({ id }) => id));
    for (const { id } of this.entries)
      if (!ids.has(id)) this.stored(this.options.store.delete(namespace, id));
    this.entries = kept;
  }

  private stored(change: Promise<void>): void {
    change.catch((error: unknown) => this.options.log.warn("the audit could not be saved", { error }));
  }
}

const byTime = (one: AuditEntry, other: AuditEntry): number =>
  one.atMs - other.atMs || (one.id < other.id ? -1 : 1);

function readEntry(id: string, value: unknown): AuditEntry | null {
  if (typeof value !== "object" || value === null) return null;
  const { atMs, actor, address, action, subject, detail } = value as Record<string, unknown>;
  if (typeof atMs !== "number" || (address !== null && typeof address !== "string")) return null;
  const texts = [actor, action, subject, detail];
  if (!texts.every((each): each is string => typeof each === "string")) return null;
  return { id, atMs, address, ...(value as Pick<AuditEntry, "actor" | "action" | "subject" | "detail">) };
}
