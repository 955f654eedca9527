// The config file as the operator's page edits it: answers of the editor with their statuses, and the audit of what was written.

import { z } from "zod";
import { Failure } from "../canon/failure.ts";
import { needsRestart } from "../config/changes.ts";
import { requireSafeAt } from "../config/cross-checks.ts";
import type { LoadedConfig } from "../config/load.ts";
import { dialects } from "../dialects/dialect-table.ts";
import { maxConfigBytes } from "../operator/config-editor/config-file.ts";
import {
  ConfigEditor,
  type EditorOptions,
  type SaveReport,
} from "../operator/config-editor/config-editor.ts";
import { Conflict } from "../operator/conflict.ts";
import { type BodyReading, readSmallBody } from "../operator/small-body.ts";
import type { OperatorAnswer, OperatorPort } from "../server/operator-port.ts";
import type { ConfigSource } from "./config-source.ts";
import type { NoteAction } from "./operator-port.ts";

/** JSON may write each byte of a text in six characters. */
const maxBodyBytes = 6 * maxConfigBytes;
const textBody = z.strictObject({
  text: z.string().refine((text) => text.isWellFormed(), "`text` has half a character"),
});
const emptyBody = z.strictObject({});

export type ConfigPortParts = {
  readonly editor: ConfigEditor;
  readonly note: NoteAction;
  readonly reading: () => BodyReading;
};

export function createConfigEditor(
  options: Omit<EditorOptions, "tryText"> & {
    readonly source: Pick<ConfigSource, "peek">;
    /** The config that the process was started with. */
    readonly started: LoadedConfig;
  },
): ConfigEditor {
  const { source, started } = options;
  return new ConfigEditor({
    ...options,
    async tryText(text) {
      const loaded = await source.peek(text);
      if (loaded === null) throw new Error("a text was given, so there is a config");
      requireSafeAt(started.config.server.host, loaded.config, loaded.path);
      return { loaded, needsRestart: needsRestart(started, loaded) };
    },
  });
}

export function configPort({ editor, note, reading }: ConfigPortParts) {
  const textOf = async (request: Request): Promise<string> => {
    const { text } = await readSmallBody(request, textBody, maxBodyBytes, reading());
    if (Buffer.byteLength(text) <= maxConfigBytes) return text;
    throw new Failure("too-large", `A config text may have ${maxConfigBytes} bytes at most.`, {
      param: "text",
    });
  };
  const path = async (): Promise<string> => (await editor.file())?.path ?? "";
  return {
    checkConfig: ({ request, facts }) =>
      answered(facts.requestId, async () => ({
        status: 200,
        body: await editor.check(await textOf(request)),
      })),
    saveConfig: (call) =>
      answered(call.facts.requestId, async () => {
        const etag = call.request.headers.get("if-match");
        if (etag === null)
          throw new Conflict(
            428,
            "if_match_required",
            "Send the etag of the text that was edited as If-Match.",
          );
        const report = await editor.save(await textOf(call.request), quoted(etag));
        if (report.isWritten) note(call, "config.save", await path(), summaryOf(report));
        return saved(report);
      }),
    undoConfig: (call) =>
      answered(call.facts.requestId, async () => {
        await readSmallBody(call.request, emptyBody, 1_024, reading());
        const etag = call.request.headers.get("if-match");
        const report = await editor.undo(etag === null ? null : quoted(etag));
        if (report.isWritten) note(call, "config.undo", await path(), summaryOf(report));
        return saved(report);
      }),
  } satisfies Partial<OperatorPort>;
}

/** An etag stands in quotes, but not everybody who copies it takes them along. */
const quoted = (etag: string): string => (etag.startsWith('"') ? etag : `"${etag}"`);

/** How much changed, without a word of it. */
function summaryOf({ diff, ok }: SaveReport): string {
  const lines = diff.split("\n").slice(2);
  const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  return `${count("+")} lines added, ${count("-")} removed${ok ? "" : "; not in force"}`;
}

function saved({ isWritten, ...report }: SaveReport): OperatorAnswer {
  if (report.ok) return { status: 200, body: report };
  const message = isWritten
    ? "The config file is written, but the gateway did not accept it."
    : "The text is not valid; nothing was written.";
  return {
    status: isWritten ? 503 : 400,
    body: { ...report, error: errorOf(message, "config_invalid", "") },
  };
}

/** A Conflict becomes an answer in the form of every other error of the operator's routes. */
export async function answered(
  requestId: string,
  work: () => Promise<OperatorAnswer>,
): Promise<OperatorAnswer> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof Conflict)) throw thrown;
    const { status, code, message } = thrown;
    return { status, body: { error: errorOf(message, code, requestId) } };
  }
}

function errorOf(message: string, code: string, requestId: string): unknown {
  const failure = new Failure("invalid-request", message, { code });
  return (dialects["openai-chat"].client.encodeFailure(failure, requestId) as { error: unknown }).error;
}
