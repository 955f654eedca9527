// The part of `GET /metrics` about finished requests: counted here as they end, since the start of the process. It must
// never throw, nor look up a series again for a request that equals an earlier one.

import { LRUCache } from "lru-cache";
import { consequences } from "../../canon/failure.ts";
import type { AttemptRecord, RequestRecord } from "../../canon/record.ts";
import { createModelNameLimit, type NameOutcome } from "../model-name-limit.ts";
import { boundedText, displayModel, displayProvider } from "../record-values.ts";
import { Family, LabelledCells } from "./counted-series.ts";
import { otherName } from "./labels.ts";
import type { AttemptLabel, LiveState, RequestLabel, RequestRow } from "./series-row.ts";
import { seriesTable } from "./series-table.ts";
import {
  formatFor,
  type MetricsPage,
  type ShownFamily,
  type StateSamples,
  writePage,
} from "./text-format.ts";

export type Exposition = {
  count(record: RequestRecord): void;
  /** In the format that the Accept header asks for. */
  page(state: LiveState, accept: string | null): MetricsPage;
  /** The same series for another kind of exporter, with those of `more`. */
  snapshot(state: LiveState): ExpositionSnapshot;
};

export type ExpositionSnapshot = {
  readonly families: readonly ShownFamily[];
  readonly state: readonly StateSamples[];
};

export type ExpositionOptions = {
  /** False: requests are not counted, and only live state is shown. */
  readonly counts: boolean;
  /** The active config names this model of this provider. */
  readonly isListed: (provider: string, model: string) => boolean;
  /** It has a price. Names that are neither listed nor priced are counted as `other`. */
  readonly isPriced: (provider: string, model: string) => boolean;
  /** Series that are counted with the others and are not on the page. Absent: none. */
  readonly more?: readonly RequestRow[];
};

/** Sets of labels whose cells are cached. An evicted set is looked up again. */
const rememberedSets = 1_024;

/** Counted in groups: a loop keeps its code and counters in the processor's caches, a single call does not. */
const batchSize = 64;

const outcomeOf = ({ failure }: RequestRecord): string =>
  failure === null ? "ok" : failure === "cancelled" ? "cancelled" : "failed";

const failureName = (kind: AttemptRecord["failure"]): string =>
  kind === null ? "" : consequences[kind].metric;

export function createExposition(options: ExpositionOptions): Exposition {
  const requests = new RequestSeries(options);
  const stateSamples = (state: LiveState): readonly StateSamples[] =>
    seriesTable.flatMap((row) => (row.of === "state" ? [{ row, samples: row.read(state) }] : []));
  const attempts = new AttemptSeries();
  let pending: RequestRecord[] = [];
  const countPending = (): void => {
    const batch = pending;
    pending = [];
    for (const record of batch) {
      requests.count(record);
      for (const attempt of record.attempts) attempts.count(attempt);
    }
  };
  return {
    count(record) {
      if (options.counts && pending.push(record) >= batchSize) countPending();
    },
    page(state, accept) {
      countPending();
      return writePage(
        options.counts ? [...requests.shown, ...attempts.families] : [],
        stateSamples(state),
        formatFor(accept),
      );
    },
    snapshot(state) {
      countPending();
      return {
        families: options.counts ? [...requests.families, ...attempts.families] : [],
        state: stateSamples(state),
      };
    },
  };
}

/** The values of a record that determine its labels, and the cells found for them. */
type LatestRequest = Pick<RequestRecord, "door" | "tenant" | "status" | "failure"> & {
  readonly provider: string;
  readonly model: string;
  readonly cells: LabelledCells<RequestRecord>;
};

class RequestSeries {
  /** Those of the page. */
  readonly shown = seriesTable.flatMap((row) => (row.of === "requests" ? [new Family(row)] : []));
  readonly families;
  private readonly known = new LRUCache<string, LabelledCells<RequestRecord>>({ max: rememberedSets });
  // Most requests are like the previous one: comparing is cheaper than building a key.
  private latest: LatestRequest | null = null;
  private readonly names;
  /** Models with their own series, as `provider\nmodel`: they keep them even when the config no longer names them. */
  private readonly named = new Set<string>();

  constructor(private readonly options: ExpositionOptions) {
    this.families = [...this.shown, ...(options.more ?? []).map((row) => new Family(row))];
    this.names = createModelNameLimit({ isListed: options.isListed, storedNames: () => [] });
  }

  count(record: RequestRecord): void {
    this.cellsOf(record).add(record);
  }

  private cellsOf(record: RequestRecord): LabelledCells<RequestRecord> {
    const { door, tenant, status, failure } = record;
    const provider = displayProvider(record);
    const model = displayModel(record);
    const { latest } = this;
    if (
      latest !== null &&
      latest.provider === provider &&
      latest.model === model &&
      latest.door === door &&
      latest.tenant === tenant &&
      latest.status === status &&
      latest.failure === failure
    )
      return latest.cells;
    const shownModel = this.modelName(provider, model, record);
    const key = `${door}\0${provider}\0${shownModel}\0${tenant ?? ""}\0${status}\0${failure ?? ""}`;
    let cells = this.known.get(key);
    if (cells === undefined) {
      const labels: Record<RequestLabel, string> = {
        endpoint: door,
        provider,
        model: shownModel,
        tenant: boundedText(tenant) ?? "",
        outcome: outcomeOf(record),
        status: `${Math.floor(status / 100)}xx`,
        failure: failureName(failure),
      };
      cells = new LabelledCells(this.families, labels);
      this.known.set(key, cells);
    }
    // A name without its own cells may get some when the next config lists it.
    if (shownModel === model) this.latest = { door, provider, model, tenant, status, failure, cells };
    return cells;
  }

  private modelName(provider: string, model: string, { failure }: RequestRecord): string {
    const { isListed, isPriced } = this.options;
    if (model === "") return "";
    const key = `${provider}\n${model}`;
    if (this.named.has(key)) return model;
    if (!isListed(provider, model) && !isPriced(provider, model)) return otherName;
    const outcome: NameOutcome =
      failure === null ? "answered" : failure === "unknown-model" ? "unknown-model" : "failed";
    const name = this.names.countedAs(0, provider, model, outcome) || otherName;
    if (name === model) this.named.add(key);
    return name;
  }
}

type KnownAttempt = Pick<AttemptRecord, "provider" | "outcome" | "failure"> & {
  readonly cells: LabelledCells<AttemptRecord>;
};

class AttemptSeries {
  readonly families = seriesTable.flatMap((row) => (row.of === "attempts" ? [new Family(row)] : []));
  private readonly known = new LRUCache<string, KnownAttempt>({ max: rememberedSets });
  private latest: KnownAttempt | null = null;

  count(attempt: AttemptRecord): void {
    this.cellsOf(attempt).add(attempt);
  }

  private cellsOf({ provider, outcome, failure }: AttemptRecord): LabelledCells<AttemptRecord> {
    const { latest } = this;
    if (
      latest !== null &&
      latest.provider === provider &&
      latest.outcome === outcome &&
      latest.failure === failure
    )
      return latest.cells;
    const key = `${provider}\0${outcome}\0${failure ?? ""}`;
    let known = this.known.get(key);
    if (known === undefined) {
      const labels: Record<AttemptLabel, string> = { provider, outcome, failure: failureName(failure) };
      known = { provider, outcome, failure, cells: new LabelledCells(this.families, labels) };
      this.known.set(key, known);
    }
    this.latest = known;
    return known.cells;
  }
}
