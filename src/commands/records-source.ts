// Where `clawgate stats` and `export` read recorded requests: the running gateway, else the database file itself.

import { openOfflineRecords } from "../app/offline/offline-records.ts";
import type { SeriesAnswer } from "../operator/reports/record-reports.ts";
import type { CommandContext } from "./command.ts";
import { offlineInput } from "./config-input.ts";
import { gatewayEnvironment } from "./gateway-options.ts";
import { findGateway, GatewayProblem } from "./running-gateway.ts";

export type RecordsSource = {
  /** Its address, or the path of the file. */
  readonly name: string;
  series(query: URLSearchParams): Promise<SeriesAnswer>;
  /** The text of an export. */
  export(query: URLSearchParams, signal: AbortSignal): AsyncIterable<Uint8Array | string>;
  close(): Promise<void>;
};

type SourceOptions = { readonly "state-dir"?: string | undefined; readonly config?: string | undefined };

/** Throws GatewayProblem and ConfigProblem. */
export async function openRecordsSource(
  context: CommandContext,
  values: SourceOptions,
): Promise<RecordsSource> {
  const found = await findGateway(context, gatewayEnvironment(context, values));
  if (!("why" in found))
    return {
      name: found.url,
      series: async (query) =>
        (await found.askForBody({
          method: "GET",
          path: `/api/series?${query}`,
          timeoutMs: 60_000,
        })) as SeriesAnswer,
      export: (query, signal) => found.stream(`/api/export?${query}`, signal),
      close: () => Promise.resolve(),
    };
  const records = await openOfflineRecords(offlineInput(context, values.config));
  if ("problem" in records)
    throw new GatewayProblem(
      `${found.why.charAt(0).toUpperCase()}${found.why.slice(1)}, and ${records.problem}. ` +
        "Start the gateway, or name its state directory (--state-dir) or its config (--config).",
    );
  context.stderr.write(`clawgate: ${found.why}; this is read from ${records.name}.\n`);
  return records;
}
