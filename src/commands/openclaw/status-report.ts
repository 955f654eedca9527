// What `clawgate openclaw status` knows of each instance. It only reads, and never returns a key.

import { cheapestOf } from "../../canon/model-offer.ts";
import { offlineOffers } from "../../app/offline/offline-offers.ts";
import { entryIn, hasEntry, mainModelOf, writtenBy } from "../../openclaw/instance-files.ts";
import { Json5Problem, readJson5 } from "../../openclaw/json5-text.ts";
import { type ProviderId, providerIds } from "../../openclaw/provider-entry.ts";
import { shapeFor } from "../../openclaw/version.ts";
import type { CommandContext } from "../command.ts";
import { offlineInput } from "../config-input.ts";
import { programsOf } from "../instance-programs.ts";
import type { RecordsSource } from "../records-source.ts";
import type { PlannedInstance } from "../setup-instance.ts";
import { planSetup } from "../setup-plan.ts";
import { type IdleBurn, idleBurn } from "./idle-burn.ts";

/**
 * "current": set-up would change nothing. "older": an older ClawGate wrote it, set-up brings it up to date. "differs": the config of the
 * gateway or of OpenClaw changed since. "none": it is not connected. "unreadable": see `why`.
 */
export type Connection = "current" | "older" | "differs" | "none" | "unreadable";

export type AgentSpend = {
  /** Null: its requests named no agent. */
  readonly agent: string | null;
  readonly requests: number;
  readonly usd: number;
  readonly unknownCost: number;
};

export type InstanceStatus = {
  readonly tenant: string;
  readonly kind: "local" | "docker";
  readonly container: string | null;
  readonly profile: string | null;
  readonly isRunning: boolean;
  readonly version: string | null;
  readonly signals: readonly string[];
  readonly connection: Connection;
  readonly why: string | null;
  readonly providers: readonly string[];
  readonly mainModel: string | null;
  /** Ids that the tenant may use. */
  readonly offered: readonly string[];
  /** Of those, the ones that the instance does not know; with the plugin it asks for them itself. */
  readonly missing: readonly string[];
  readonly cheapest: string | null;
  /** Null: there are no records to be read. */
  readonly spend: readonly AgentSpend[] | null;
  readonly idle: IdleBurn;
};

export type StatusQuestion = {
  readonly config: string | undefined;
  readonly days: number;
  readonly nowMs: number;
  readonly records: RecordsSource | null;
};

export type StatusReport = {
  readonly instances: readonly InstanceStatus[];
  readonly notes: readonly string[];
};

/** Throws ConfigProblem, EditProblem, GatewayProblem. */
export async function statusReport(context: CommandContext, question: StatusQuestion): Promise<StatusReport> {
  const plan = await planSetup(context, {
    config: question.config,
    isPrimary: false,
    host: null,
    api: null,
    provider: null,
  });
  if (plan.instances.length === 0) return { instances: [], notes: plan.notes };
  const offersFor = await offlineOffers(offlineInput(context, question.config));
  const programs = programsOf(context);
  const instances: InstanceStatus[] = [];
  for (const planned of plan.instances) {
    const { instance, tenant, written } = planned;
    const offers = await offersFor(tenant);
    const cheapest = cheapestOf(offers)?.id ?? null;
    const read = readParts(written);
    const idle: IdleBurn =
      written === null || read === null
        ? { why: "its config cannot be read" }
        : await idleBurn({
            instance,
            tenant,
            offers,
            cheapest,
            programs,
            text: written,
            provider: preferred(read.providers, read.mainModel),
            records: question.records,
            nowMs: question.nowMs,
          });
    const offered = offers.map(({ id }) => id);
    instances.push({
      tenant,
      kind: instance.kind,
      container: instance.container,
      profile: instance.profile,
      isRunning: instance.isRunning,
      version: planned.version,
      signals: instance.signals,
      ...connectionOf(planned),
      providers: read?.providers ?? [],
      mainModel: read?.mainModel ?? null,
      offered,
      missing:
        read === null || !read.providers.includes("clawgate")
          ? []
          : offered.filter((id) => !read.models.has(id)),
      cheapest,
      spend: await spendOf(tenant, question),
      idle,
    });
  }
  // What set-up would say of its own plan is not asked here.
  return { instances, notes: plan.notes.filter((note) => note.startsWith("docker")) };
}

/** The provider that its main model has, else ours of the two that is there. */
function preferred(providers: readonly ProviderId[], mainModel: string | null): ProviderId {
  return providers.find((id) => mainModel?.startsWith(`${id}/`)) ?? providers[0] ?? "clawgate";
}

function connectionOf(planned: PlannedInstance): Pick<InstanceStatus, "connection" | "why"> {
  const { leftOut, written, changes, version } = planned;
  if (written === null) return { connection: "unreadable", why: leftOut };
  try {
    const by = writtenBy(written);
    if (by === "none") return { connection: "none", why: leftOut };
    if (by === "older" && shapeFor(version) === "current") return { connection: "older", why: leftOut };
    const isSame = leftOut === null && !changes.some(({ kind }) => kind === "openclaw" || kind === "env");
    return { connection: isSame ? "current" : "differs", why: leftOut };
  } catch (error) {
    if (error instanceof Json5Problem) return { connection: "unreadable", why: error.message };
    throw error;
  }
}

function readParts(text: string | null) {
  if (text === null) return null;
  try {
    const models = entryIn(text, "clawgate")?.["models"];
    const ids = Array.isArray(models)
      ? models.flatMap((each: { readonly id?: unknown }) => (typeof each.id === "string" ? [each.id] : []))
      : [];
    return {
      providers: providerIds.filter((id) => hasEntry(text, id)),
      mainModel: mainModelOf(readJson5(text)),
      models: new Set(ids),
    };
  } catch (error) {
    if (error instanceof Json5Problem) return null;
    throw error;
  }
}

async function spendOf(
  tenant: string,
  { records, days, nowMs }: StatusQuestion,
): Promise<readonly AgentSpend[] | null> {
  if (records === null) return null;
  const query = new URLSearchParams({
    tenant,
    by: "agent",
    bucket: "total",
    from: String(nowMs - days * 86_400_000),
    limit: "50",
  });
  const { groups } = await records.series(query);
  return groups
    .filter(({ totals }) => totals.requests > 0)
    .map(({ name, totals }) => ({
      agent: name === "" ? null : name,
      requests: totals.requests,
      usd: totals.cost_usd,
      unknownCost: totals.unknown_cost_requests,
    }));
}
