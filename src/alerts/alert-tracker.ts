// Which alerts last, and what changed: a cause is one alert from its first sight until it has been gone for a while, and it is told
// of once, once more for each worse level, and once when it is over.

import { type ActiveAlert, type AlertChange, causeOf, type Condition, type EndedAlert } from "./alert.ts";
import type { Finding } from "./finding.ts";

export type TrackedAlerts = {
  readonly active: readonly ActiveAlert[];
  readonly ended: readonly EndedAlert[];
};

export type TrackerOptions = {
  readonly newId: (nowMs: number) => string;
};

/** An alert of which nothing is known any more, for example because no request comes, is over after this. */
const unknownMs = 1_800_000;
const maxEnded = 200;
/** Causes are bounded in number by the config; this bounds those that names of models create. */
const maxActive = 500;

export class AlertTracker {
  private readonly active = new Map<string, ActiveAlert>();
  private ended: readonly EndedAlert[] = [];

  constructor(private readonly options: TrackerOptions) {}

  list(): TrackedAlerts {
    return { active: [...this.active.values()], ended: this.ended };
  }

  restore({ active, ended }: TrackedAlerts): void {
    for (const alert of active) this.active.set(causeOf(alert), alert);
    this.ended = ended.slice(0, maxEnded);
  }

  /** Nothing is judged any more. */
  clear(): void {
    this.active.clear();
  }

  /** `resolveAfterMs`: how long a cause must be gone. */
  update(findings: readonly Finding[], nowMs: number, resolveAfterMs: number): readonly AlertChange[] {
    const firing = new Map<string, Condition>();
    const states = new Map<string, Finding["state"]>();
    for (const finding of findings) {
      if (finding.state !== "firing") states.set(finding.cause, finding.state);
      else firing.set(causeOf(finding.condition), finding.condition);
    }
    const changes: AlertChange[] = [];
    for (const [cause, condition] of firing) {
      const known = this.active.get(cause);
      if (known !== undefined && isOfNewPeriod(known, condition))
        changes.push(this.end(cause, { ...known, isSilent: true }, nowMs));
      const isPart = condition.partOf !== null && firing.has(condition.partOf);
      const change = this.see(cause, condition, nowMs, isPart);
      if (change !== null) changes.push(change);
    }
    for (const [cause, alert] of this.active) {
      if (firing.has(cause)) continue;
      const state = states.get(cause) ?? "over";
      if (state === "replaced") {
        changes.push(this.end(cause, { ...alert, isSilent: true }, nowMs));
        continue;
      }
      if (state === "held") this.active.set(cause, { ...alert, seenMs: nowMs });
      else if (nowMs - alert.seenMs >= (state === "unknown" ? unknownMs : resolveAfterMs))
        changes.push(this.end(cause, alert, nowMs));
    }
    return changes;
  }

  private see(cause: string, condition: Condition, nowMs: number, isPart: boolean): AlertChange | null {
    const known = this.active.get(cause);
    if (known === undefined) {
      if (this.active.size >= maxActive) return null;
      const id = this.options.newId(nowMs);
      const alert = { ...condition, id, sinceMs: nowMs, seenMs: nowMs, isSilent: isPart };
      this.active.set(cause, alert);
      return { status: "firing", alert };
    }
    // A part of a cause that is over stands for itself now; an error rate only echoes it for the rest of its window.
    const isSilent = known.isSilent && (isPart || condition.kind === "error-rate");
    const isWorse = condition.level > known.level;
    // A level that was reached is not told again when it is reached once more, unless the operator has changed the limit since.
    const level = known.basis === condition.basis ? Math.max(condition.level, known.level) : condition.level;
    const alert = { ...known, ...condition, level, seenMs: nowMs, isSilent };
    this.active.set(cause, alert);
    if (known.isSilent && !isSilent) return { status: "firing", alert };
    return isWorse ? { status: "changed", alert } : null;
  }

  private end(cause: string, alert: ActiveAlert, nowMs: number): AlertChange {
    this.active.delete(cause);
    const ended = { ...alert, endedMs: nowMs };
    this.ended = [ended, ...this.ended].slice(0, maxEnded);
    return { status: "resolved", alert: ended };
  }
}

/** The budget of a new day or month is another cause than that of the last one. */
const isOfNewPeriod = (known: ActiveAlert, condition: Condition): boolean =>
  (condition.kind === "budget" || condition.kind === "budget-projected") &&
  known.untilMs !== condition.untilMs;
