// The older process of a hand-over: from one moment on it writes nothing more, and tells the younger one of everything that its last
// requests still cost. It must lose no record and no charge, nor let one count twice.

import type { RequestRecord } from "../../canon/record.ts";
import type { Log } from "../../system/log.ts";
import type { Amount } from "../../tenants/spending.ts";
import type { AppServices } from "../app-services.ts";
import type { ToSuccessor } from "./messages.ts";

export type GivenServices = Pick<
  AppServices,
  | "recorder"
  | "completeRecords"
  | "store"
  | "spending"
  | "savedSessions"
  | "savedVendorIds"
  | "savedHealth"
  | "alerts"
  | "state"
  | "stickiness"
  | "keptAnswers"
>;

export class GivenState {
  /** Told, and not yet known to be kept: in their order. */
  private unkept: RequestRecord[] = [];
  private kept = 0;
  private readonly held = new Map<string, Amount>();

  constructor(
    private readonly services: GivenServices,
    private readonly tell: (message: ToSuccessor) => void,
    private readonly log: Pick<Log, "warn">,
  ) {}

  /** What happens before the first pause happens at one moment: a charge is in the files, or it is told. */
  async give(): Promise<void> {
    const { recorder, spending, savedSessions, stickiness, store, state } = this.services;
    recorder.forwardTo = (record) => this.tellRecord(record);
    spending.handOver((tenant, dayMs, { tokens, nanoUsd }) => {
      this.tell({ kind: "charge", tenant, dayMs, tokens, nanoUsd });
      this.tellHeld([tenant]);
    });
    this.services.savedVendorIds.handOver((id, tenant) => this.tell({ kind: "vendor-id", id, tenant }));
    savedSessions.handOver((session) => this.tell({ kind: "session", ...session }));
    const { limits } = spending;
    const tenants = limits.names().map((name) => {
      const { requests, tokens } = limits.usage(name);
      return { name, periods: limits.periods(name), minute: { requests, tokens } };
    });
    this.tell({ kind: "known", tenants, sticky: stickiness.known() });
    this.tellHeld();
    await this.services.completeRecords();
    await this.services.keptAnswers.written();
    await store.flush();
    await this.services.alerts.save();
    await this.services.savedHealth.flush();
    await state.flush();
    store.setUpkeep(false);
    state.setWriter(false);
  }

  /** What running requests have reserved, where it changed. */
  tellHeld(names: readonly string[] = this.services.spending.limits.names()): void {
    for (const tenant of names) {
      const { tokens, nanoUsd } = this.services.spending.limits.usage(tenant).reserved;
      const before = this.held.get(tenant);
      if (tokens === (before?.tokens ?? 0) && nanoUsd === (before?.nanoUsd ?? 0)) continue;
      this.held.set(tenant, { tokens, nanoUsd });
      this.tell({ kind: "held", tenant, tokens, nanoUsd });
    }
  }

  /** The younger one has written so many of the records. */
  areKept(count: number): void {
    this.unkept.splice(0, Math.max(0, count - this.kept));
    this.kept = Math.max(this.kept, count);
  }

  /** The younger one is gone before it was on its own: this process writes again. */
  async takeBack(): Promise<void> {
    const { spending, savedSessions, store, state } = this.services;
    state.setWriter(true);
    store.setUpkeep(true);
    savedSessions.takeBack();
    this.services.savedVendorIds.takeBack();
    await this.keepRecords();
    await spending.takeBack();
  }

  /** Records only: the state may belong to another gateway by now. Those that the younger one has written count once. */
  async keepRecords(): Promise<void> {
    const { recorder, store } = this.services;
    recorder.forwardTo = null;
    const left = this.unkept;
    this.unkept = [];
    for (const record of left) {
      const isThere = await store.request(record.id).catch((error: unknown) => {
        this.log.warn("it is unknown whether a record was kept: it is kept once more", { error });
        return null;
      });
      if (isThere === null) recorder.take(record);
    }
  }

  private tellRecord({ ...record }: RequestRecord & { prompt?: unknown; cause?: unknown }): void {
    // Neither is stored, and neither is data.
    delete record.prompt;
    delete record.cause;
    this.unkept.push(record);
    this.tell({ kind: "record", record });
  }
}
