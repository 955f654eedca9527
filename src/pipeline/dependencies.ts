// What the pipeline depends on, by lifetime. A snapshot is built from one config and replaced as a whole; the services outlive
// it. A request keeps the snapshot that it was admitted with until its end.

import type { Backend } from "../backends/backend.ts";
import type { HealthTracker } from "../backends/health/health-tracker.ts";
import type { KeptAnswers } from "../canon/kept-answer.ts";
import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import type { RequestTrace, TraceParent } from "../canon/trace-context.ts";
import type { Usage } from "../canon/usage.ts";
import type { DialectTable } from "../dialects/dialect-table.ts";
import type { ScannedBody } from "../dialects/dialect.ts";
import type { TranslateReason } from "../canon/translate-reason.ts";
import type { ModelFacts } from "../routing/eligibility.ts";
import type { Router } from "../routing/router.ts";
import type { Stickiness } from "../routing/stickiness.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import type { Ticker } from "../system/ticker.ts";
import type { SessionSpending } from "../tenants/session-spending.ts";
import type { TurnQueue } from "../tenants/queue.ts";
import type { BodyMemory } from "./body/body-memory.ts";
import type { LiveRegistry } from "./live-requests.ts";
import type { UnreadBodies } from "./body/unread-body.ts";
import type { PromptReadings } from "./prompt/prompt-reading.ts";
import type { RunningAnswers } from "./responses/running-answers.ts";
import type { VendorIds } from "./responses/vendor-ids.ts";
import type { RetryBudget } from "./attempts/retry-budget.ts";
import type { StreamingSettings } from "./settings.ts";
import type { TenantPolicy } from "./tenants/tenant-policy.ts";
import type { UploadRules } from "./body/upload.ts";

export type ProviderLimits = {
  readonly firstTokenMs: number;
  /** The same for a whole answer that passes as bytes, where no first word is visible. */
  readonly wholeMs: number;
  readonly idleMs: number;
  /** Limit of one attempt; null: only the request's deadline applies. */
  readonly totalMs: number | null;
};

/** One loaded provider. */
export type Provider = {
  readonly id: string;
  readonly backend: Backend;
  /**
   * The fingerprints of its keys, in the config's order; empty where it has no key or its token comes from elsewhere.
   */
  readonly credentials: readonly string[];
  readonly limits: ProviderLimits;
  readonly queue: TurnQueue;
  /**
   * False once a reload removed the provider or gave its id another address or other credentials: what a request of
   * this snapshot learns then says nothing about the new ones.
   */
  readonly isCurrent: () => boolean;
  /** Why a body in this vendor's own format must be rewritten for this model; null: it may pass as bytes. */
  readonly reasonToTranslate: (body: ScannedBody, model: string) => TranslateReason | null;
  /** What is known of a model here; the same object for the same model. */
  readonly modelFacts: (model: string) => ModelFacts;
  readonly price: ProviderPrice;
  /** Whether it speaks the Responses API and keeps answers itself; the gateway keeps them for every other one. */
  readonly keepsAnswers: boolean;
  /** Whether it is told which trace a request belongs to. */
  readonly takesTraceContext?: boolean;
  /** Whether it is told what Claude Code says about itself in headers. */
  readonly takesClientHeaders?: boolean;
  /** Asked with the caller's own sign-in, for the model that the caller names, and for nothing else. */
  readonly usesClientSignIn?: boolean;
};

/** A provider's prices. USD are counted in integer nano-USD. */
export type ProviderPrice = {
  /**
   * `answered`: the model that the upstream named in its answer; null: it named none. Returns null when the price is
   * unknown.
   */
  costOf(answered: string | null, model: string, usage: Usage, atMs: number): number | null;
  /** The most that this many tokens may cost, whatever share is cached or thinking. Null: the price is unknown. */
  maxCostOf(model: string, input: number, output: number, atMs: number): number | null;
  /** An answer was longer than its limit allowed. */
  noteExceeded(model: string, output: number): void;
  /** The longest such answer; null: the vendor has kept to its limits so far. */
  longestExceeding(model: string): number | null;
};

export type PipelineSnapshot = {
  /** Called when a request begins and when it ends: an old snapshot is closed after its last request. */
  readonly enter: () => void;
  readonly leave: () => void;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly dialects: DialectTable;
  readonly router: Router;
  /** Whether clients must send a key of this gateway. */
  readonly hasClientKeys: boolean;
  /** Nobody but one tenant, or callers that are all the same to the gateway. */
  readonly hasOneCaller: boolean;
  /** By name; only tenants that have settings. */
  readonly tenants: ReadonlyMap<string, TenantPolicy>;
  readonly streaming: StreamingSettings;
  readonly uploads: UploadRules;
  readonly requestTimeoutMs: number;
  /** How long a second attempt may wait for a slot in the retry budget. */
  readonly retryWaitMs: number;
  /** How long to wait for a target's first word before a second target is asked in parallel; 0: for ever. */
  readonly hedgeAfterMs: number;
  /** Whether cache marks are set for clients that cannot set them. */
  readonly setsCacheMarks: boolean;
};

/** Keeps the texts of one request. */
export type ContentCapture = {
  request(bytes: Uint8Array, contentType: string | null): void;
  /** A piece of what the client gets. `contentType`: of an answer that is neither JSON nor a stream of it. */
  answer(bytes: Uint8Array | string, contentType?: string): void;
  end(record: UnpricedRecord): void;
  /** Gives up what it holds: nothing of the request is kept. */
  free(): void;
};

export type Services = {
  readonly clock: Clock;
  /** Timers for limits that are rarely reached: cheap to set, up to 20 ms late. */
  readonly ticker: Ticker;
  /** Whether there is room for one more request. */
  readonly descriptors: { admits(): boolean };
  readonly log: Log;
  readonly health: HealthTracker;
  readonly live: LiveRegistry;
  readonly bodies: BodyMemory;
  readonly unreadBodies: UnreadBodies;
  readonly retryBudget: RetryBudget;
  readonly stickiness: Stickiness;
  /** What sessions with a cap have spent. */
  readonly sessions: Pick<SessionSpending, "hold">;
  /** `table` null: the bundled prices are not loaded, and only the config's prices are known. */
  readonly prices: { table(): object | null; load(): Promise<void> };
  /** The trace of a request that begins, as a child of the client's; null: it has none. */
  readonly telemetry: {
    begin(parent: TraceParent | null): RequestTrace | null;
    newSpanId(): string;
  };
  /** Masks every secret of the config in a text. */
  redact(text: string): string;
  /**
   * Nano-USD of this usage at the record's target, or the cost that its backend reports; a promise until prices are loaded. Never
   * rejects.
   */
  costOf(record: RequestRecord, usage: Usage): number | null | Promise<number | null>;
  /** For records that say what of a session's prompt changed; null: none are kept, and no prompt is read. */
  readonly prompts: PromptReadings | null;
  /** `open` null: the texts of this tenant's requests are not kept. Nothing of it throws or waits. */
  readonly requestLog: { open(tenant: string | null): ContentCapture | null };
  /** Answers of the Responses API that clients asked to keep, and those that are being made. */
  readonly keptAnswers: KeptAnswers;
  readonly runningAnswers: RunningAnswers;
  /** Whose the answers are that vendors keep. */
  readonly vendorIds: Pick<VendorIds, "given" | "mayContinue">;
  /** Takes the finished record; never throws, never waits. */
  record(record: UnpricedRecord): void;
};
