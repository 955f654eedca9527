// What an alert is, from the cause that a check finds to the shape that people and programs read. Types, and the few functions
// that every part needs.

export type AlertKind =
  | "error-rate"
  | "provider-out"
  | "route-out"
  | "quota"
  | "credential"
  | "login"
  | "budget"
  | "budget-projected"
  | "spend-spike"
  | "unknown-price"
  | "store"
  | "config"
  | "certificates";

export type Severity = "warning" | "critical";

/** A cause as a check found it. */
export type Condition = {
  readonly kind: AlertKind;
  /** What it concerns: a provider, a tenant and its period. With the kind it identifies the cause. */
  readonly subject: string;
  readonly severity: Severity;
  /** A higher level of the same cause is worth another message. */
  readonly level: number;
  /** The amount of which the levels are shares: when it changes, they begin anew. */
  readonly basis?: number;
  /** A sentence with its full stop. */
  readonly message: string;
  readonly untilMs: number | null;
  readonly value: number | null;
  readonly limit: number | null;
  /** The cause that this one follows from: while that one lasts, nobody is told of this one. */
  readonly partOf: string | null;
};

/** An alert that lasts. */
export type ActiveAlert = Condition & {
  readonly id: string;
  readonly sinceMs: number;
  /** When the cause was last seen, or was last too close to its limit to be over. */
  readonly seenMs: number;
  /** Nobody was told, because it is a part of another cause. */
  readonly isSilent: boolean;
};

export type EndedAlert = ActiveAlert & { readonly endedMs: number };

export type ChangeStatus = "firing" | "changed" | "resolved";

/** What happened to an alert. `changed`: it became worse. */
export type AlertChange =
  | { readonly status: "firing" | "changed"; readonly alert: ActiveAlert }
  | { readonly status: "resolved"; readonly alert: EndedAlert };

/** As the API shows it. */
export type AlertView = {
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly subject: string;
  readonly message: string;
  readonly since_ms: number;
  readonly until_ms: number | null;
  readonly value: number | null;
  readonly limit: number | null;
  readonly ended_ms?: number;
};

export const causeOf = ({ kind, subject }: Pick<Condition, "kind" | "subject">): string =>
  `${kind}:${subject}`;

export function viewOf(alert: ActiveAlert | EndedAlert): AlertView {
  const { id, kind, severity, subject, message, sinceMs, untilMs, value, limit } = alert;
  return {
    id,
    kind,
    severity,
    subject,
    message,
    since_ms: sinceMs,
    until_ms: untilMs,
    value,
    limit,
    ...("endedMs" in alert ? { ended_ms: alert.endedMs } : {}),
  };
}

const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;
const longestText = 500;

/** On one line, without control characters and bounded: names of models and messages of vendors come from outside. */
export function inertText(text: string): string {
  const clean = text.replace(unprintable, " ").trim();
  return clean.length > longestText ? `${clean.slice(0, longestText - 1)}…` : clean;
}
