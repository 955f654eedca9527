// Judges the facts on a timer, keeps the alerts over a restart and tells of changes: in the log, to listeners, by the configured ways.
// It must never run with a request, nor let a check that fails end the next one.

import { ulid } from "../canon/id.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import {
  type ActiveAlert,
  type AlertChange,
  type AlertView,
  type EndedAlert,
  type Severity,
  viewOf,
} from "./alert.ts";
import { AlertTracker } from "./alert-tracker.ts";
import { findingsOf } from "./checks.ts";
import type { AlertMessage, MessageStatus } from "./delivery/message.ts";
import type { ChannelTest, Outbox } from "./delivery/outbox.ts";
import type { AlertFacts } from "./facts.ts";
import { isQuiet } from "./quiet-hours.ts";
import { type HeldMessage, readSavedAlerts, type SavedAlerts } from "./saved-alerts.ts";
import type { AlertsSettings } from "./settings.ts";
import type { TrafficCounts } from "./traffic-counts.ts";

export type AlertListener = (alert: AlertView & { readonly status: MessageStatus }) => void;

export type MonitorOptions = {
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly settings: () => AlertsSettings;
  readonly traffic: TrafficCounts;
  readonly outbox: Pick<Outbox, "send" | "test" | "stop" | "undelivered" | "resume">;
  /** Where the alerts are kept over a restart. */
  readonly store: {
    get(namespace: string, key: string): Promise<unknown>;
    set(namespace: string, key: string, value: unknown, expiresAtMs: number | null): Promise<void>;
  };
};

export type AlertReport = {
  /** False: nothing is judged. */
  readonly enabled: boolean;
  readonly alerts: readonly AlertView[];
  readonly recent: readonly AlertView[];
};

const namespace = "alerts";
const key = "known";
/** How long hours of spending and ended alerts are of use. */
const keptMs = 9 * 86_400_000;
const maxHeld = 200;
/** A message that is older is not sent by a later process any more. */
const undeliveredMs = 86_400_000;

export class AlertMonitor {
  private readonly tracker = new AlertTracker({ newId: (nowMs) => ulid(nowMs) });
  private readonly listeners = new Set<AlertListener>();
  private held: readonly HeldMessage[] = [];
  private written = "";
  private cancelTimer = (): void => undefined;
  private isStopped = false;
  private hasFailed = false;

  constructor(private readonly options: MonitorOptions) {}

  /** Restores what an earlier process knew. Once, before `watch`. */
  async load(): Promise<void> {
    const saved = readSavedAlerts(await this.options.store.get(namespace, key));
    if (saved !== null) {
      this.tracker.restore(saved);
      this.options.traffic.restore(saved.traffic);
      this.held = saved.held;
      this.resume(saved.undelivered);
    }
    this.written = textOf(this.saved());
  }

  private resume(undelivered: SavedAlerts["undelivered"]): void {
    const nowMs = this.options.clock.nowMs();
    for (const each of undelivered) {
      const { status, alert, atMs } = each.message;
      if (nowMs - atMs > undeliveredMs) continue;
      if (alert === null || this.mayDisturb(alert, nowMs)) this.options.outbox.resume([each]);
      else this.hold(status, alert);
    }
  }

  private mayDisturb({ severity }: Pick<AlertView, "severity">, nowMs: number): boolean {
    const hours = this.options.settings().quiet_hours;
    return !isQuiet(hours, nowMs) || (hours?.critical === true && severity === "critical");
  }

  /** Judges periodically. The returned function stops it. */
  watch(facts: () => Promise<AlertFacts>): () => void {
    const arm = (): void => {
      if (this.isStopped) return;
      const waitMs = this.options.settings().check_interval_s * 1000;
      this.cancelTimer = this.options.clock.setTimer(waitMs, () => void this.judge(facts).then(arm));
    };
    arm();
    return () => {
      this.isStopped = true;
      this.cancelTimer();
      this.options.outbox.stop();
    };
  }

  /** Newest first. */
  report(): AlertReport {
    const { active, ended } = this.tracker.list();
    return {
      enabled: this.options.settings().enabled,
      alerts: active.map(viewOf).toSorted((one, other) => other.since_ms - one.since_ms),
      recent: ended.map(viewOf),
    };
  }

  /** Called with each alert that begins, becomes worse or ends. The returned function ends that. */
  subscribe(listener: AlertListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Sends a test message at once by every configured way, in quiet hours too. */
  async test(): Promise<{ readonly ok: boolean; readonly deliveries: readonly ChannelTest[] }> {
    const deliveries = await this.options.outbox.test(
      this.message("test", "warning", "This is a test of ClawGate's alerts.", null),
    );
    return { ok: deliveries.length > 0 && deliveries.every(({ ok }) => ok), deliveries };
  }

  private async judge(facts: () => Promise<AlertFacts>): Promise<void> {
    const { settings, log } = this.options;
    try {
      const now = settings();
      if (!now.enabled) this.tracker.clear();
      else this.tell(await facts(), now);
      await this.save();
      this.hasFailed = false;
    } catch (error) {
      // Once, not at every look.
      if (!this.hasFailed) log.error("the alerts could not be judged", { error });
      this.hasFailed = true;
    }
  }

  private tell(facts: AlertFacts, settings: AlertsSettings): void {
    const { nowMs } = facts;
    const findings = findingsOf(facts, settings);
    const changes = this.tracker.update(findings, nowMs, settings.resolve_after_s * 1000);
    if (!isQuiet(settings.quiet_hours, nowMs)) this.sendSummary();
    for (const change of changes) {
      this.logChange(change);
      this.announce(change.status, viewOf(change.alert));
      if (change.alert.isSilent) continue;
      if (this.mayDisturb(change.alert, nowMs)) this.options.outbox.send(this.messageOf(change));
      else this.hold(change.status, viewOf(change.alert));
    }
  }

  private hold(status: MessageStatus, alert: AlertView): void {
    this.held = [...this.held, { status, alert }].slice(-maxHeld);
  }

  /** What the quiet hours held back, as one message. */
  private sendSummary(): void {
    if (this.held.length === 0) return;
    const { held } = this;
    this.held = [];
    const isCritical = held.some(
      ({ status, alert }) => status !== "resolved" && alert.severity === "critical",
    );
    const severity = isCritical ? "critical" : "warning";
    const lines = held.map(({ status, alert }) => `- ${statusWord(status)}: ${alert.message}`);
    const many = held.length === 1 ? "one message was" : `${held.length} messages were`;
    const text = `In the quiet hours ${many} held back:\n${lines.join("\n")}`;
    this.options.outbox.send({ ...this.message("summary", severity, text, null), summarized: held });
  }

  private messageOf({ status, alert }: AlertChange): AlertMessage {
    const text = status === "resolved" ? `Resolved: ${alert.message}` : alert.message;
    return this.message(status, alert.severity, text, alert);
  }

  private message(
    status: MessageStatus,
    severity: Severity,
    text: string,
    alert: ActiveAlert | EndedAlert | null,
  ): AlertMessage {
    const nowMs = this.options.clock.nowMs();
    const view = alert === null ? null : viewOf(alert);
    const what = view === null ? statusWord(status) : `${view.kind} (${view.subject})`;
    const title = status === "resolved" ? `ClawGate, resolved: ${what}` : `ClawGate: ${what}`;
    return { id: ulid(nowMs), atMs: nowMs, status, severity, title, text, alert: view, summarized: [] };
  }

  private logChange({ status, alert }: AlertChange): void {
    const { log } = this.options;
    const fields = { kind: alert.kind, subject: alert.subject, severity: alert.severity, alert: alert.id };
    if (status === "resolved") log.info(`alert resolved: ${alert.message}`, fields);
    else if (alert.severity === "critical") log.error(`alert: ${alert.message}`, fields);
    else log.warn(`alert: ${alert.message}`, fields);
  }

  private announce(status: MessageStatus, alert: AlertView): void {
    for (const listener of this.listeners) {
      try {
        listener({ ...alert, status });
      } catch (error) {
        this.options.log.error("a listener of alerts failed", { error });
      }
    }
  }

  private saved(): SavedAlerts {
    const { active, ended } = this.tracker.list();
    const { traffic, outbox } = this.options;
    return { active, ended, held: this.held, undelivered: outbox.undelivered(), traffic: traffic.saved() };
  }

  /** Keeps what has changed: a restart right after a message must not repeat it. */
  async save(): Promise<void> {
    const { store, clock } = this.options;
    const value = this.saved();
    const text = textOf(value);
    if (text === this.written) return;
    this.written = text;
    await store.set(namespace, key, value, clock.nowMs() + keptMs);
  }
}

/** An alert that goes on is written once a minute, not at every look. */
const textOf = (saved: SavedAlerts): string =>
  JSON.stringify(saved, (name, value: unknown) =>
    name === "seenMs" && typeof value === "number" ? Math.floor(value / 60_000) : value,
  );

const statusWord = (status: MessageStatus): string =>
  status === "summary" ? "summary of the quiet hours" : status === "test" ? "test message" : status;
