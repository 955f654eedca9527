// Every series of `GET /metrics`, a row each: name, type, help, labels, and how it is read. A new metric is one new row here;
// `npm run reference` generates the manual's list from it.

import { gatewaySeries } from "./gateway-series.ts";
import { attemptCount, wholeNumber } from "../record-values.ts";
import type { CircuitState, ProcessStates, Sample, SeriesRow } from "./series-row.ts";

/** The bounds of OpenTelemetry's `gen_ai.client.operation.duration`, and two more for agents that write for minutes. */
const durationBuckets = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
];
/** The bounds of OpenTelemetry's `gen_ai.server.time_to_first_token`, and two more for models that think first. */
const firstTokenBuckets = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60,
];
const overheadBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const waitBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const perSecond = 1_000;
const perUsd = 1_000_000_000;

export const seriesTable: readonly SeriesRow[] = [
  {
    of: "requests",
    type: "counter",
    name: "clawgate_requests_total",
    help: "Finished requests, however many attempts each took.",
    labels: ["endpoint", "provider", "tenant", "outcome", "status"],
    read: () => 1,
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_request_failures_total",
    help: "Requests without a complete answer, by the kind of failure; cancelled means that the client left.",
    labels: ["endpoint", "provider", "failure"],
    read: ({ failure }) => (failure === null ? null : 1),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_request_fallbacks_total",
    help: "Requests that took more than one attempt, by the provider that answered or was tried last.",
    labels: ["endpoint", "provider"],
    read: (record) => (attemptCount(record) > 1 ? 1 : 0),
  },
  {
    of: "requests",
    type: "histogram",
    name: "clawgate_request_duration_seconds",
    help: "Time from the arrival of a request to the end of its answer.",
    labels: ["endpoint", "provider", "outcome"],
    buckets: durationBuckets,
    divisor: perSecond,
    read: ({ durationMs }) => durationMs,
  },
  {
    of: "requests",
    type: "histogram",
    name: "clawgate_time_to_first_token_seconds",
    help: "Time from the sending of the attempt that answered to its first token.",
    labels: ["endpoint", "provider"],
    buckets: firstTokenBuckets,
    divisor: perSecond,
    read: ({ firstTokenMs }) => firstTokenMs,
  },
  {
    of: "requests",
    type: "histogram",
    name: "clawgate_overhead_seconds",
    help: "Time spent in the gateway from the arrival of a request to its first dispatch.",
    labels: ["endpoint"],
    buckets: overheadBuckets,
    divisor: perSecond,
    read: ({ overheadMs }) => overheadMs,
  },
  {
    of: "requests",
    type: "histogram",
    name: "clawgate_queue_wait_seconds",
    help: "Time that a request waited for a slot at its providers; 0 for most.",
    labels: ["provider"],
    buckets: waitBuckets,
    divisor: perSecond,
    read: ({ queueWaitMs }) => queueWaitMs,
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_input_tokens_total",
    help: "Input tokens, cached ones and cache writes included.",
    labels: ["provider", "model"],
    read: ({ usage }) => wholeNumber(usage.input),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_cached_input_tokens_total",
    help: "Input tokens that came from the prompt cache of the vendor.",
    labels: ["provider", "model"],
    read: ({ usage }) => wholeNumber(usage.inputCached),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_cache_write_tokens_total",
    help: "Input tokens that were written into the prompt cache of the vendor.",
    labels: ["provider", "model"],
    read: ({ usage }) => wholeNumber(usage.inputCacheWrite),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_output_tokens_total",
    help: "Output tokens, reasoning included.",
    labels: ["provider", "model"],
    read: ({ usage }) => wholeNumber(usage.output),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_reasoning_tokens_total",
    help: "Output tokens that were spent on reasoning.",
    labels: ["provider", "model"],
    read: ({ usage }) => wholeNumber(usage.outputReasoning),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_unknown_usage_requests_total",
    help: "Requests that reached a provider and whose tokens are unknown.",
    labels: ["provider", "model"],
    read: (record) =>
      attemptCount(record) > 0 && (record.usage.input === null || record.usage.output === null) ? 1 : 0,
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_cost_usd_total",
    help: "Cost in US dollars, where prices and tokens are known.",
    labels: ["provider", "model"],
    divisor: perUsd,
    read: ({ costNanoUsd }) => wholeNumber(costNanoUsd),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_tenant_cost_usd_total",
    help: "The same cost by tenant.",
    labels: ["tenant"],
    divisor: perUsd,
    read: ({ costNanoUsd }) => wholeNumber(costNanoUsd),
  },
  {
    of: "requests",
    type: "counter",
    name: "clawgate_unknown_cost_requests_total",
    help: "Requests that reached a provider and whose cost is unknown.",
    labels: ["provider", "model"],
    read: (record) => (attemptCount(record) > 0 && record.costNanoUsd === null ? 1 : 0),
  },
  {
    of: "attempts",
    type: "counter",
    name: "clawgate_attempts_total",
    help: "Attempts at providers; skipped ones were not sent.",
    labels: ["provider", "outcome", "failure"],
    read: () => 1,
  },
  {
    of: "attempts",
    type: "counter",
    name: "clawgate_maybe_billed_attempts_total",
    help: "Attempts without a complete answer that the vendor may have charged for.",
    labels: ["provider"],
    read: ({ maybeBilled }) => (maybeBilled ? 1 : 0),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_running_requests",
    help: "Requests that are running now, queued ones included.",
    labels: [],
    read: ({ running }) => single(running),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_provider_running_requests",
    help: "Slots in use at each provider now.",
    labels: ["provider"],
    read: ({ providers }) => providers.map(({ id, running }) => ({ labels: [id], value: running })),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_queued_requests",
    help: "Requests that wait for a slot at each provider now.",
    labels: ["provider"],
    read: ({ providers }) => providers.map(({ id, waiting }) => ({ labels: [id], value: waiting })),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_provider_healthy",
    help: "1 if requests go to the provider, 0 if it is out of use or its key is rejected or on hold.",
    labels: ["provider"],
    read: ({ providers }) =>
      providers.map(({ id, isHealthy }) => ({ labels: [id], value: isHealthy ? 1 : 0 })),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_provider_circuit",
    help: "1 for the state that the circuit of the provider is in, 0 for the others.",
    labels: ["provider", "state"],
    read: ({ providers }) =>
      providers.flatMap(({ id, circuit }) =>
        circuitStates.map((state) => ({ labels: [id, state], value: state === circuit ? 1 : 0 })),
      ),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_claude_code_processes",
    help: "Processes of Claude Code: running, warm, parked (for the tools of a client, or idle), stopping.",
    labels: ["provider", "state"],
    read: ({ processes }) =>
      processes.flatMap(({ provider, counts }) =>
        processStates.map(([state, count]) => ({ labels: [provider, state], value: count(counts) })),
      ),
  },
  ...gatewaySeries,
  {
    of: "state",
    type: "counter",
    name: "clawgate_records_written_total",
    help: "Records of requests that were written into the database.",
    labels: [],
    read: ({ records }) => single(records.written),
  },
  {
    of: "state",
    type: "counter",
    name: "clawgate_records_dropped_total",
    help: "Records of requests that could not be kept.",
    labels: [],
    read: ({ records }) => single(records.dropped),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_records_queued",
    help: "Records of requests that wait to be written.",
    labels: [],
    read: ({ records }) => single(records.queued),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_build_info",
    help: "1; the labels describe the running build.",
    labels: ["version", "commit", "bun"],
    read: ({ version, commit, runtime }) => [{ labels: [version, commit ?? "", runtime], value: 1 }],
  },
  {
    of: "state",
    type: "gauge",
    name: "process_start_time_seconds",
    help: "Start of the process, in seconds since 1970; every counter began at 0 then.",
    labels: [],
    read: ({ startedAtSeconds }) => single(startedAtSeconds),
  },
  {
    of: "state",
    type: "counter",
    name: "process_cpu_seconds_total",
    help: "CPU time that the process has used, in seconds.",
    labels: [],
    read: ({ cpuSeconds }) => single(cpuSeconds),
  },
  {
    of: "state",
    type: "gauge",
    name: "process_resident_memory_bytes",
    help: "Memory that the process holds, in bytes.",
    labels: [],
    read: ({ memoryBytes }) => single(memoryBytes),
  },
  {
    of: "state",
    type: "gauge",
    name: "process_open_fds",
    help: "Files, sockets and pipes that the process holds open (Linux).",
    labels: [],
    read: ({ openFiles }) => single(openFiles),
  },
  {
    of: "state",
    type: "gauge",
    name: "process_max_fds",
    help: "Files, sockets and pipes that the process may hold open (Linux).",
    labels: [],
    read: ({ maxFiles }) => single(maxFiles),
  },
];

const circuitStates: readonly CircuitState[] = ["closed", "half-open", "open"];

const processStates: readonly (readonly [string, (counts: ProcessStates) => number])[] = [
  ["running", ({ running }) => running],
  ["warm", ({ warm }) => warm],
  ["parked-tools", ({ parked }) => parked.calls],
  ["parked-idle", ({ parked }) => parked.idle],
  ["stopping", ({ stopping }) => stopping],
];

const single = (value: number | null): readonly Sample[] => (value === null ? [] : [{ labels: [], value }]);
