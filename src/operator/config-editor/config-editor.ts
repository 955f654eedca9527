// Edits the config file for the operator's page: the text with its secrets masked goes out, an edited text comes back, is checked by
// the loader as a start would, shown as a diff, written, and reloaded. One change at a time.

import { randomBytes } from "node:crypto";
import type { LoadedConfig } from "../../config/load.ts";
import type { ReloadReport } from "../../config/changes.ts";
import { type ReadDocument, readDocument, receivedDocument } from "../../config/document.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { valueAt } from "../../config/values.ts";
import { Conflict } from "../conflict.ts";
import {
  countBackups,
  type FileText,
  noBackup,
  readBackup,
  readConfigFile,
  refuseChanged,
  replaceConfigFile,
  restoreBackup,
  writeProblem,
} from "./config-file.ts";
import { type MaskedText, nothingMasked } from "./masked-text.ts";
import type { KeyChange } from "./text-questions.ts";
import { TextWorker } from "./text-worker.ts";

export type EditorOptions = {
  readonly active: () => LoadedConfig;
  /** What a start with this text in place of the file would load, and what of it needs a restart. Throws ConfigProblem. */
  readonly tryText: (text: string) => Promise<TriedText>;
  readonly reload: () => Promise<ReloadReport>;
  readonly redact: (text: string) => string;
  /** The secrets that are known now. */
  readonly secrets: () => readonly string[];
};

export type TriedText = { readonly loaded: LoadedConfig; readonly needsRestart: readonly string[] };

export type TextProblem = {
  /** Dotted key; "" for the file as a whole. */
  readonly path: string;
  readonly line: number | null;
  readonly message: string;
  readonly severity: "error" | "warning";
};

export type CheckReport = {
  readonly ok: boolean;
  readonly problems: readonly TextProblem[];
  /** Against the file, secrets masked. */
  readonly diff: string;
  readonly needs_restart: readonly string[];
};

export type SaveReport = CheckReport & { readonly etag: string; readonly isWritten: boolean };

/** The part of GET /api/config about the file. */
export type FileReport = {
  readonly path: string;
  /** Null: it cannot be read. */
  readonly etag: string | null;
  /** Null: it cannot be read, or is not YAML, so that nobody can tell what in it is secret. */
  readonly text: string | null;
  readonly writable: boolean;
  /** Why there is no text, or why it cannot be written. */
  readonly problem: string | null;
  /** How many earlier versions there are to go back to. */
  readonly backups: number;
};

/** What is to be written, and whether it may be. */
type Checked = CheckReport & { readonly text: string };

const foreignFile =
  "This is the file of another program. `clawgate import` makes a config of it that can be edited here.";

export class ConfigEditor {
  private last: Promise<unknown> = Promise.resolve();
  private readonly texts = new TextWorker();
  private readonly tagKey = randomBytes(32).toString("hex");
  /** A page asks again and again, and masking takes milliseconds. */
  private shown: {
    readonly etag: string;
    readonly active: LoadedConfig;
    readonly masked: Promise<MaskedText | null>;
  } | null = null;

  constructor(private readonly options: EditorOptions) {}

  /** Null: there is no config file. */
  async file(): Promise<FileReport | null> {
    const { path, isForeign } = this.options.active();
    if (path === null) return null;
    // Its secrets are at places that nothing here knows.
    if (isForeign === true)
      return { path, etag: null, text: null, writable: false, problem: foreignFile, backups: 0 };
    try {
      const { text, etag } = await readConfigFile(path);
      const masked = await this.masked({ text, etag });
      const trouble = await writeProblem(path);
      const backups = await countBackups(path);
      const unmasked =
        masked === null ? "It is not YAML: correct it by hand, or go back to the version before." : null;
      return {
        path,
        etag,
        text: masked?.text ?? null,
        writable: trouble === null,
        problem: unmasked ?? trouble,
        backups,
      };
    } catch (thrown) {
      if (!(thrown instanceof Conflict)) throw thrown;
      return { path, etag: null, text: null, writable: false, problem: thrown.message, backups: 0 };
    }
  }

  /** Throws Conflict. */
  async check(edited: string): Promise<CheckReport> {
    const { text: _, ...report } = await this.checked(edited, await readConfigFile(this.path()));
    return report;
  }

  /** `etag`: of the version that was edited. Throws Conflict. */
  save(edited: string, etag: string): Promise<SaveReport> {
    return this.alone(async () => {
      const now = await readConfigFile(this.path());
      refuseChanged(now, etag);
      const { text, ...report } = await this.checked(edited, now);
      if (!report.ok || text === now.text) return { ...report, etag: now.etag, isWritten: false };
      return this.applied(report, await replaceConfigFile(this.path(), text, etag));
    });
  }

  /** Changes keys of tenants in the file. `loaded`: what its text means. Throws Conflict. */
  changeKeys(changesOf: (loaded: LoadedConfig) => readonly KeyChange[]): Promise<SaveReport> {
    return this.alone(async () => {
      const now = await readConfigFile(this.path());
      const loaded = await this.meaning(now);
      const edited = await this.texts.ask({
        ask: "changeKeys",
        text: now.text,
        changes: changesOf(loaded),
      });
      if ("problem" in edited) throw new Conflict(409, "config_not_editable", `${edited.problem}.`);
      const { text, ...report } = await this.tried(withLineEndsOf(now.text, edited.text), now);
      if (!report.ok || text === now.text) return { ...report, etag: now.etag, isWritten: false };
      return this.applied(report, await replaceConfigFile(this.path(), text, now.etag));
    });
  }

  /** `etag` null: whatever the file holds now. Throws Conflict. */
  undo(etag: string | null): Promise<SaveReport> {
    return this.alone(async () => {
      const now = await readConfigFile(this.path());
      if (etag !== null) refuseChanged(now, etag);
      const before = await readBackup(this.path());
      if (before === null) throw noBackup();
      const { text: _, ...report } = await this.tried(before.text, now);
      if (!report.ok) return { ...report, etag: now.etag, isWritten: false };
      return this.applied(report, await restoreBackup(this.path(), now.etag));
    });
  }

  private async meaning({ text }: FileText): Promise<LoadedConfig> {
    try {
      return (await this.options.tryText(text)).loaded;
    } catch (thrown) {
      if (!(thrown instanceof ConfigProblem)) throw thrown;
      throw new Conflict(409, "config_invalid", "The config file on disk is not valid: correct it first.");
    }
  }

  private path(): string {
    const { path, isForeign } = this.options.active();
    if (isForeign === true) throw new Conflict(409, "foreign_config_file", foreignFile);
    if (path !== null) return path;
    throw new Conflict(
      409,
      "no_config_file",
      "There is no config file: the gateway runs with what it found. Make a config.yaml and restart it, or name one with --config.",
    );
  }

  private async checked(edited: string, now: FileText): Promise<Checked> {
    const original = (await this.masked(now)) ?? nothingMasked;
    const based = withLineEndsOf(now.text, edited);
    const restored = await this.texts.ask({ ask: "restore", edited: based, original, ...this.known() });
    if ("text" in restored) {
      const report = await this.tried(restored.text, now);
      return restored.isUnread === true && report.ok ? { ...report, ok: false, problems: [tooMuch] } : report;
    }
    const problems = restored.problems.map((each) => ({ ...each, severity: "error" as const }));
    return { ok: false, problems, diff: await this.diff(now, based), needs_restart: [], text: now.text };
  }

  private async tried(text: string, now: FileText): Promise<Checked> {
    const { redact } = this.options;
    const diff = await this.diff(now, text);
    try {
      const { loaded, needsRestart } = await this.options.tryText(text);
      const sent = await this.texts.ask({ ask: "read", text });
      const read = sent === null ? readDocument(text) : receivedDocument(sent);
      return { ok: true, problems: warnings(loaded, read, redact), diff, needs_restart: needsRestart, text };
    } catch (thrown) {
      if (!(thrown instanceof ConfigProblem)) throw thrown;
      const problems = thrown.problems.map(({ key, line, message, hint, path }) => ({
        path: key,
        // A line of another file would be looked for in this one.
        line: path === this.options.active().path ? line : null,
        message: redact(hint === null ? message : `${message}; ${hint}`),
        severity: "error" as const,
      }));
      return { ok: false, problems, diff, needs_restart: [], text };
    }
  }

  private async diff(now: FileText, after: string): Promise<string> {
    if (now.text === after) return "";
    const before = await this.masked(now);
    const name = this.options.active().path ?? "config.yaml";
    return this.texts.ask({ ask: "diff", before, after, name, ...this.known() });
  }

  private known() {
    return { secrets: { known: this.options.secrets(), tagKey: this.tagKey } };
  }

  private async masked({ text, etag }: FileText): Promise<MaskedText | null> {
    const active = this.options.active();
    // Another config may know other secrets.
    if (this.shown?.etag !== etag || this.shown.active !== active)
      this.shown = { etag, active, masked: this.texts.ask({ ask: "mask", text, ...this.known() }) };
    try {
      return await this.shown.masked;
    } catch (thrown) {
      this.shown = null;
      throw thrown;
    }
  }

  private async applied(report: CheckReport, written: FileText): Promise<SaveReport> {
    const { ok, needsRestart, error } = await this.options.reload();
    const etag = written.etag;
    if (ok) return { ...report, needs_restart: needsRestart, etag, isWritten: true };
    const message = this.options.redact(
      `The file is written, but not in force: ${error?.message ?? "unknown"}`,
    );
    const problem = { path: "", line: null, message, severity: "error" as const };
    return { ...report, ok: false, problems: [...report.problems, problem], etag, isWritten: true };
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work, work);
    // A change that failed has told its own caller.
    this.last = done.catch(() => undefined);
    return done;
  }
}

const tooMuch: TextProblem = {
  path: "",
  line: null,
  message: "the text has too many values or aliases, or nests too deeply, to find the masked secrets in it",
  severity: "error",
};

/** A browser's text field turns every line end into "\n", and drops the mark at the start. */
function withLineEndsOf(original: string, edited: string): string {
  const isCrlf = original.includes("\r\n") && !/(?<!\r)\n/.test(original);
  const text = isCrlf ? edited.replace(/\r?\n/g, "\r\n") : edited;
  return original.startsWith("\uFEFF") && !text.startsWith("\uFEFF") ? `\uFEFF${text}` : text;
}

function warnings(
  loaded: LoadedConfig,
  read: ReadDocument,
  redact: (text: string) => string,
): readonly TextProblem[] {
  const document = "document" in read ? read.document : null;
  const overridden = [...loaded.origins].flatMap(([key, origin]): TextProblem[] => {
    const path = key.split(".");
    if (origin.isFile || document === null || valueAt(document.value, path) === undefined) return [];
    const message = `has no effect: ${origin.text} overrides it`;
    return [{ path: key, line: document.lineOf(path), message, severity: "warning" }];
  });
  const notices = loaded.notices.map((notice): TextProblem => ({
    path: "",
    line: null,
    message: redact(notice),
    severity: "warning",
  }));
  return [...overridden, ...notices];
}
