// `clawgate export`: every recorded request as CSV or JSON lines, from the running gateway or its database file. What it leaves is
// whole or nothing.

import { resolve } from "node:path";
import { Failure } from "../canon/failure.ts";
import { exportFormats } from "../canon/request-filters.ts";
import { ConfigProblem } from "../config/problems.ts";
import { systemClock } from "../system/clock.ts";
import { errorCode } from "../system/files.ts";
import { createStreamedFile, type StreamedFile } from "../system/streamed-file.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayOptions, gatewayOptionsHelp } from "./gateway-options.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { filterOptions, filterOptionsHelp, recordQuery } from "./record-options.ts";
import { openRecordsSource, type RecordsSource } from "./records-source.ts";
import { refuseProblem } from "./running-gateway.ts";
import { plain } from "./terminal.ts";

const help = `Usage: clawgate export [options]

Writes every recorded request that matches, oldest first, to stdout or a file. The running gateway is asked; if none
runs, its database file is read. In CSV (RFC 4180) amounts have all their decimals, and a text that a spreadsheet would
take for a formula begins with an apostrophe; JSON lines hold everything that /api/requests shows. There is no text of a
request or an answer in either.

Options:
  --format X      ${exportFormats.join(" or ")} (default: by the ending of --out, else csv)
  -o, --out FILE  this file; it appears when it is complete
  --limit N       at most N requests (1 to 1000)
${filterOptionsHelp}${gatewayOptionsHelp.replace("  -h, --help", "  --json          the same as --format jsonl\n  -h, --help")}`;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "export", {
    ...filterOptions,
    ...gatewayOptions,
    format: { type: "string" },
    out: { type: "string", short: "o" },
    limit: { type: "string" },
  });
  if ("usage" in read) return read.usage;
  const { values } = read;
  const format = values.format ?? (values.json || values.out?.endsWith(".jsonl") ? "jsonl" : "csv");
  let query: URLSearchParams;
  try {
    const { limit } = values;
    query = recordQuery(values, systemClock.nowMs(), limit === undefined ? { format } : { format, limit });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return refuseUsage(context, "export", thrown.message.replace(/\.$/, "")).usage;
  }
  // Otherwise Ctrl-C would leave a part of the file.
  const stopper = new AbortController();
  const onSignal = (): void => stopper.abort();
  for (const signal of signals) process.once(signal, onSignal);
  const out = values.out === undefined ? null : resolve(context.workingDirectory, values.out);
  let source: RecordsSource | null = null;
  try {
    source = await openRecordsSource(context, values);
    return out === null
      ? await writeOut(context, source.export(query, stopper.signal), stopper)
      : await writeFile(context, source.export(query, stopper.signal), { path: out, stopper });
  } catch (thrown) {
    if (stopper.signal.aborted) return exitCodes.failed;
    if (!(thrown instanceof ConfigProblem)) return refuseProblem(context, thrown);
    context.stderr.write(`${thrown.message}\n`);
    return exitCodes.config;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    await source?.close();
  }
}

type Pieces = AsyncIterable<Uint8Array | string>;

async function writeFile(
  context: CommandContext,
  pieces: Pieces,
  { path, stopper }: { readonly path: string; readonly stopper: AbortController },
): Promise<number> {
  const { stderr } = context;
  const progress = progressOn(stderr);
  let file: StreamedFile | null = null;
  try {
    file = await createStreamedFile(path);
    for await (const piece of pieces) {
      await file.write(piece);
      progress.add(piece);
    }
    if (stopper.signal.aborted) return exitCodes.failed;
    await file.complete();
    progress.clear();
    stderr.write(`clawgate: ${progress.size()} written to ${plain(path)}.\n`);
    return exitCodes.ok;
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === null) throw thrown;
    progress.clear();
    stderr.write(`clawgate: ${plain(path)} cannot be written (${code}).\n`);
    return exitCodes.failed;
  } finally {
    progress.clear();
    await file?.discard();
  }
}

async function writeOut(
  { stdout, stderr }: CommandContext,
  pieces: Pieces,
  stopper: AbortController,
): Promise<number> {
  const progress = stdout.isTTY ? null : progressOn(stderr);
  let isClosed = false;
  let wake = (): void => undefined;
  // `clawgate export | head`: the reader has ended.
  stdout.on("error", () => {
    isClosed = true;
    stopper.abort();
    wake();
  });
  stdout.on("drain", () => wake());
  stopper.signal.addEventListener("abort", () => wake(), { once: true });
  try {
    for await (const piece of pieces) {
      if (isClosed || stopper.signal.aborted) break;
      const hasRoom = stdout.write(piece);
      progress?.add(piece);
      if (!hasRoom && !isClosed && !stopper.signal.aborted)
        await new Promise<void>((resume) => (wake = resume));
    }
  } catch (thrown) {
    if (!isClosed) throw thrown;
  } finally {
    progress?.clear();
  }
  return stopper.signal.aborted && !isClosed ? exitCodes.failed : exitCodes.ok;
}

/** One line that is overwritten; nothing without a terminal. */
function progressOn(stderr: NodeJS.WriteStream) {
  let bytes = 0;
  let shownAtMs = 0;
  let isShown = false;
  const size = (): string =>
    bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return {
    size,
    add(piece: Uint8Array | string) {
      bytes += piece.length;
      const nowMs = systemClock.monotonicMs();
      if (!stderr.isTTY || nowMs - shownAtMs < 200) return;
      shownAtMs = nowMs;
      isShown = true;
      stderr.write(`\r\u001b[2Kexporting: ${size()}`);
    },
    clear() {
      if (isShown) stderr.write("\r\u001b[2K");
      isShown = false;
    },
  };
}

export const exportCommand: Command = {
  name: "export",
  summary: "write recorded requests as CSV or JSON lines",
  help,
  run,
};
