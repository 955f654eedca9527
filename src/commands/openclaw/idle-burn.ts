// What an instance spends while nobody asks it anything: each heartbeat and scheduled turn, what a run costs, and the command that moves
// it to the cheapest model. A cost is measured by the run's own session, else estimated from the tokens that OpenClaw counted.

import { basename } from "node:path";
import type { ModelOffer } from "../../canon/model-offer.ts";
import {
  type Automation,
  type AutomationRun,
  automationsIn,
  isPlainId,
  runsIn,
} from "../../openclaw/automations.ts";
import { askInstance, type InstancePrograms } from "../../openclaw/instance-program.ts";
import { heartbeatModelIn } from "../../openclaw/instance-files.ts";
import type { Instance } from "../../openclaw/instances.ts";
import { type ProviderId, providerIds } from "../../openclaw/provider-entry.ts";
import type { RecordsSource } from "../records-source.ts";

export type IdleRow = Automation & {
  readonly usdPerRun: number | null;
  readonly usdPerDay: number | null;
  /** Where the cost is from; null: it has not run yet. "elsewhere": its runs did not come through the gateway. */
  readonly basis: "measured" | "estimated" | "elsewhere" | null;
  /** Moves it to the cheapest model; null: it is there already, or no price is known. */
  readonly command: string | null;
};

export type IdleBurn =
  { readonly rows: readonly IdleRow[]; readonly usdPerDay: number } | { readonly why: string };

export type IdleQuestion = {
  readonly instance: Instance;
  /** openclaw.json. */
  readonly text: string;
  readonly tenant: string;
  readonly provider: ProviderId;
  readonly offers: readonly ModelOffer[];
  /** The id of the cheapest offer; null: no price is known. */
  readonly cheapest: string | null;
  readonly programs: InstancePrograms;
  readonly records: RecordsSource | null;
  readonly nowMs: number;
};

/** Runs that are looked at for each automation. */
const sample = 5;
/** A program that starts takes a second and a processor. */
const atOnce = 2;

export async function idleBurn(question: IdleQuestion): Promise<IdleBurn> {
  const { instance, programs } = question;
  const answer = await askInstance(instance, ["cron", "list", "--all", "--json"], programs);
  if ("why" in answer) return answer;
  const automations = automationsIn(answer.result);
  if ("why" in automations) return automations;
  const rows: IdleRow[] = [];
  const waiting = [...automations.told];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      rows.push(await rowOf(next, question));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const usdPerDay = rows.reduce((sum, row) => sum + (row.usdPerDay ?? 0), 0);
  return { rows: rows.toSorted((a, b) => (b.usdPerDay ?? 0) - (a.usdPerDay ?? 0)), usdPerDay };
}

async function rowOf(automation: Automation, question: IdleQuestion): Promise<IdleRow> {
  const { instance, programs, text } = question;
  const model = automation.kind === "heartbeat" ? heartbeatModelIn(text, automation.agent) : automation.model;
  const known = { ...automation, model };
  const asked = ["cron", "runs", automation.id, "--limit", String(sample)];
  const answer = isPlainId(automation.id) ? await askInstance(instance, asked, programs) : { why: "" };
  const runs = "why" in answer ? answer : runsIn(answer.result);
  const past = "why" in runs ? [] : runs.told.slice(0, sample);
  const cost = await costOf(known, past, question);
  const { runsPerDay } = automation;
  return {
    ...known,
    ...cost,
    usdPerDay: cost.usdPerRun === null || runsPerDay === null ? null : cost.usdPerRun * runsPerDay,
    command: commandFor(known, question),
  };
}

type RunCost = Pick<IdleRow, "usdPerRun" | "basis">;

async function costOf(
  { isIsolated }: Automation,
  runs: readonly AutomationRun[],
  question: IdleQuestion,
): Promise<RunCost> {
  const ours = runs.filter((run) => providerIds.some((id) => id === run.provider));
  if (ours.length === 0) return { usdPerRun: null, basis: runs.length === 0 ? null : "elsewhere" };
  const measured: number[] = [];
  // A run in a session that others share is not that session's cost.
  if (isIsolated)
    for (const { session } of ours) {
      const usd = session === null ? null : await sessionCost(session, question);
      if (usd !== null) measured.push(usd);
    }
  if (measured.length > 0) return { usdPerRun: mean(measured), basis: "measured" };
  const estimated = ours.flatMap((run) => estimate(run, question.offers) ?? []);
  return estimated.length === 0
    ? { usdPerRun: null, basis: null }
    : { usdPerRun: mean(estimated), basis: "estimated" };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Null: nothing of it is recorded, or nobody knows its price. */
async function sessionCost(
  session: string,
  { records, tenant, nowMs }: IdleQuestion,
): Promise<number | null> {
  if (records === null) return null;
  const query = new URLSearchParams({
    session,
    tenant,
    bucket: "total",
    from: String(nowMs - 90 * 86_400_000),
  });
  const { totals } = await records.series(query);
  return totals.requests === 0 || totals.unknown_cost_requests === totals.requests ? null : totals.cost_usd;
}

function estimate(
  { model, inputTokens, outputTokens }: AutomationRun,
  offers: readonly ModelOffer[],
): number | null {
  const price = offers.find(({ id }) => id === model)?.price ?? null;
  if (price === null || inputTokens + outputTokens === 0) return null;
  return (price.input * inputTokens + price.output * outputTokens) / 1e6;
}

function commandFor({ id, kind, agent, model }: Automation, question: IdleQuestion): string | null {
  const { instance, provider, cheapest, text } = question;
  if (cheapest === null) return null;
  const wanted = `${provider}/${cheapest}`;
  if (model === wanted || ![id, agent, wanted].every(isPlainId)) return null;
  const program = programOf(instance);
  if (program === null) return null;
  if (kind === "turn") return `${program} cron edit ${id} --model ${wanted}`;
  const own = heartbeatModelIn(text, agent) !== heartbeatModelIn(text, null) && !agent.includes(".");
  const path = own ? `agents.entries.${agent}.heartbeat.model` : "agents.defaults.heartbeat.model";
  return `${program} config set ${path} ${wanted}`;
}

/** How a person runs the instance's program; null: its place cannot be written into a command safely. */
function programOf({ container, profile, stateDir }: Instance): string | null {
  if (container !== null) return `docker exec ${container} node dist/index.js`;
  if (profile !== null) return `openclaw --profile ${profile}`;
  if (stateDir === null || basename(stateDir) === ".openclaw") return "openclaw";
  return /^[\w./-]+$/.test(stateDir) ? `OPENCLAW_STATE_DIR=${stateDir} openclaw` : null;
}
