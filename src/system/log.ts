// One line per event: JSON for machines, coloured text for people. All text passes through the given redactor.
// It must never throw: a closed terminal or a full disk is no reason to drop a request.

import type { Clock } from "./clock.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];
export type Fields = Readonly<Record<string, unknown>>;

export type Log = {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** Whether such a line would be written: checked before building one that no output would show. */
  shows(level: LogLevel): boolean;
  /** A log that adds `fields` to every line. */
  child(fields: Fields): Log;
};

export type LogOptions = {
  /** A function if it may change while the log is in use. */
  readonly level: LogLevel | (() => LogLevel);
  readonly pretty: boolean;
  /** Only with `pretty`. */
  readonly colour?: boolean;
  /** Takes one line with its line break. May throw. */
  write(line: string): void;
  /** Called with every written line as JSON without its line break, whatever the format of the output. */
  keep?(line: string): void;
  readonly clock: Pick<Clock, "nowMs">;
  /** canon/redact.ts; a parameter because system imports nothing. */
  redact(text: string): string;
};

const longestTextLength = 4_000;
const deepestField = 6;
// The value of such a name is never shown, however harmless it looks.
const secretNames =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-goog-api-key|x-clawgate-key|api[-_]?keys?|token|access[-_]?token|refresh[-_]?token|secret|client[-_]?secret|password|passwd)$/i;
// JSON.stringify does not escape these, but terminals and log viewers act on them (C1 controls, line and direction marks).
const unsafeCharacters = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** JSON text that stays on one line and does not affect a terminal. */
export function oneLineJson(value: unknown): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return (JSON.stringify(value) ?? "null").replace(unsafeCharacters, escape);
}

/** The format for people on a terminal unless one is named; colour as no-color.org specifies. */
export function logStyle(facts: {
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly format?: "json" | "pretty" | null;
}): { readonly pretty: boolean; readonly colour: boolean } {
  const pretty = facts.format ? facts.format === "pretty" : facts.isTerminal;
  const refuses = Boolean(facts.environment["NO_COLOR"]) || facts.environment["TERM"] === "dumb";
  return { pretty, colour: pretty && facts.isTerminal && !refuses };
}

export function createLog(options: LogOptions): Log {
  const { level: threshold } = options;
  const isShown = (level: LogLevel): boolean =>
    logLevels.indexOf(level) >= logLevels.indexOf(typeof threshold === "string" ? threshold : threshold());
  const text = (value: string): string => {
    // Cut twice: first to bound the redactor's work, then below every secret that the first cut split.
    const redacted = options.redact(value.slice(0, 2 * longestTextLength));
    return redacted.length > longestTextLength ? `${redacted.slice(0, longestTextLength)}…` : redacted;
  };
  const clean = (value: unknown, name: string, depth: number): unknown => {
    if (value === undefined || value === null) return value;
    if (secretNames.test(name) && typeof value !== "number" && typeof value !== "boolean") return "****";
    if (typeof value === "string") return text(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (typeof value === "boolean") return value;
    if (typeof value !== "object") return text(String(value));
    if (depth >= deepestField) return "…";
    if (value instanceof Error) return cleanError(value, depth);
    if ("toJSON" in value && typeof value.toJSON === "function")
      return clean(value.toJSON(), name, depth + 1);
    if (Array.isArray(value)) return value.slice(0, 100).map((each) => clean(each, "", depth + 1));
    const entries = Object.entries(value).slice(0, 100);
    return Object.fromEntries(entries.map(([key, each]) => [text(key), clean(each, key, depth + 1)]));
  };
  const cleanError = (error: Error, depth: number): Fields => ({
    name: error.name,
    message: text(error.message),
    ...("code" in error ? { code: clean(error.code, "", depth + 1) } : {}),
    ...(error.stack === undefined ? {} : { stack: text(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: clean(error.cause, "", depth + 1) }),
  });

  const attempt = <T>(run: () => T, otherwise: T): T => {
    try {
      return run();
    } catch {
      // There is nowhere else to report to: this IS where errors are reported.
      return otherwise;
    }
  };
  const line = (level: LogLevel, message: string, fields: Fields): string => {
    const time = new Date(options.clock.nowMs()).toISOString();
    const shown = attempt(() => clean(fields, "", 0) as Fields, { unreadable: true });
    const words = text(message);
    if (!options.pretty || options.keep !== undefined) {
      const json = oneLineJson({ time, level, message: words, ...renamed(shown) });
      options.keep?.(json);
      if (!options.pretty) return `${json}\n`;
    }
    return prettyLine({ time, level, message: words }, shown, options.colour === true);
  };
  const at = (context: Fields): Log => {
    const logAt =
      (level: LogLevel) =>
      (message: string, fields: Fields = {}): void => {
        if (!isShown(level)) return;
        attempt(() => options.write(line(level, message, { ...context, ...fields })), undefined);
      };
    return {
      debug: logAt("debug"),
      info: logAt("info"),
      warn: logAt("warn"),
      error: logAt("error"),
      shows: isShown,
      child: (fields) => at({ ...context, ...fields }),
    };
  };
  return at({});
}

// A field must not replace the line's own time, level or message.
function renamed(fields: Fields): Fields {
  const own = ["time", "level", "message"];
  if (!own.some((name) => Object.hasOwn(fields, name))) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [own.includes(name) ? `field_${name}` : name, value]),
  );
}

const colours: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31, silent: 0 };

export type LineHead = { readonly time: string; readonly level: LogLevel; readonly message: string };

/** A line for people, with its line break. */
export function prettyLine({ time, level, message }: LineHead, fields: Fields, colour: boolean): string {
  const paint = (code: number, words: string): string =>
    colour ? `\u001b[${code}m${words}\u001b[0m` : words;
  const parts = [
    paint(90, time.slice(11, 23)),
    paint(colours[level], level.toUpperCase().padEnd(5)),
    oneLineJson(message).slice(1, -1).replaceAll('\\"', '"'),
  ];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const isPlain = typeof value === "string" && /^[\w.:/@+-]+$/.test(value);
    parts.push(`${paint(90, `${oneLineJson(name).slice(1, -1)}=`)}${isPlain ? value : oneLineJson(value)}`);
  }
  return `${parts.join(" ")}\n`;
}

/** A `write` for a process stream that survives its reader: EPIPE arrives as an event, after the call returned. */
export function streamWriter(stream: NodeJS.WriteStream): (line: string) => void {
  let isBroken = false;
  stream.on("error", () => {
    isBroken = true;
  });
  return (line) => {
    if (!isBroken) stream.write(line);
  };
}
