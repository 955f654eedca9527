// The metrics of OpenTelemetry's GenAI semantic conventions, as rows of the same kind as those of `/metrics`: counted from the same
// records, with the same bounds for names.

import type { RequestRecord } from "../canon/record.ts";
import type { RequestRow } from "../metrics/exposition/series-row.ts";
import { wholeNumber } from "../metrics/record-values.ts";
import type { Attributes } from "./attributes.ts";
import { operationOf, type ProviderFacts } from "./conventions.ts";
import { answeringAttempt } from "./request-spans.ts";

/** The bounds that the conventions name. */
const tokenBuckets = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];
const durationBuckets = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const firstChunkBuckets = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const perSecond = 1_000;

type GenAiRow = RequestRow & {
  readonly unit: string;
  /** `gen_ai.token.type`. */
  readonly tokenType?: string;
};

/** Each label becomes attributes: `addGenAiAttributes`. */
const labels = ["endpoint", "provider", "model"] as const;

export const genAiRows: readonly GenAiRow[] = [
  tokenRow("input", ({ usage }) => wholeNumber(usage.input)),
  tokenRow("output", ({ usage }) => wholeNumber(usage.output)),
  {
    of: "requests",
    type: "histogram",
    name: "gen_ai.client.operation.duration",
    help: "GenAI operation duration.",
    unit: "s",
    labels: [...labels, "failure"],
    buckets: durationBuckets,
    divisor: perSecond,
    read: (record) => (answeringAttempt(record) ?? record.attempts.at(-1))?.durationMs ?? null,
  },
  {
    of: "requests",
    type: "histogram",
    name: "gen_ai.client.operation.time_to_first_chunk",
    help: "Time to receive the first chunk of a stream.",
    unit: "s",
    labels,
    buckets: firstChunkBuckets,
    divisor: perSecond,
    read: ({ stream, firstTokenMs }) => (stream ? firstTokenMs : null),
  },
];

function tokenRow(tokenType: string, read: (record: RequestRecord) => number | null): GenAiRow {
  return {
    of: "requests",
    type: "histogram",
    name: "gen_ai.client.token.usage",
    help: "Number of input and output tokens used.",
    unit: "{token}",
    labels,
    buckets: tokenBuckets,
    tokenType,
    read,
  };
}

/** `values`: of the row's labels. The endpoint and our own name of the provider keep apart what has the same words there. */
export function addGenAiAttributes(
  attributes: Attributes,
  row: GenAiRow,
  values: readonly string[],
  factsOf: (provider: string) => ProviderFacts,
): void {
  const [endpoint = "", provider = "", model = "", failure = ""] = values;
  attributes
    .text("gen_ai.operation.name", operationOf(endpoint))
    .text("gen_ai.provider.name", provider === "" ? "" : factsOf(provider).name)
    .text("gen_ai.request.model", model)
    .text("gen_ai.token.type", row.tokenType)
    .text("error.type", failure)
    .text("clawgate.endpoint", endpoint)
    .text("clawgate.provider", provider);
}
