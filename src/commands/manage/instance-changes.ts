// What the manage commands write into the OpenClaw instances of tenants, and what they remove again. Planned first, so that nothing
// is written if the instance is missing or cannot be read.

import type { Config } from "../../config/schema.ts";
import { nearest } from "../../canon/nearest.ts";
import { type FileChange, keptText, labelOfFile } from "../../openclaw/applied-changes.ts";
import { dockerInstances } from "../../openclaw/docker.ts";
import { removeFromDotEnv } from "../../openclaw/dot-env.ts";
import { FileProblem, reasonOf } from "../../openclaw/file-access.ts";
import { accessTo } from "../../openclaw/instance-access.ts";
import { hasEntry, variableNames, withoutGateway } from "../../openclaw/instance-files.ts";
import { Json5Problem } from "../../openclaw/json5-text.ts";
import { instanceVersion } from "../../openclaw/instance-program.ts";
import { type Api, providerIds } from "../../openclaw/provider-entry.ts";
import { offlineOffers } from "../../app/offline/offline-offers.ts";
import { programsOf } from "../instance-programs.ts";
import type { CommandContext } from "../command.ts";
import type { OfflineInput } from "../../app/offline/offline-config.ts";
import { withGatewayPort } from "../gateway-port.ts";
import { type Outcome, setupFolder, writeInstances } from "../instance-writing.ts";
import { addressForContainers, containersOf, dockerOf, findInstances, placesOf } from "../instance-search.ts";
import { isLoopback, type PlannedInstance, planInstance } from "../setup-instance.ts";
import { type TerminalStyle, plain } from "../terminal.ts";
import { instanceOf } from "./tenant-instances.ts";
import { ManageProblem } from "./config-file.ts";

export type ApplyOptions = {
  readonly isPrimary: boolean;
  /** Null: as in the instance, else openai-completions. */
  readonly api: Api | null;
  /** Where the config was found, and with it the running gateway. */
  readonly input: OfflineInput;
  /** The key of the named tenant, if it was just created. */
  readonly key?: string;
};

export type ApplyPlan = {
  readonly planned: readonly PlannedInstance[];
  /** Tenants without a known instance. */
  readonly missing: readonly string[];
  readonly notes: readonly string[];
};

/** Throws GatewayProblem. */
export async function planApply(
  context: CommandContext,
  written: Config,
  names: readonly string[],
  options: ApplyOptions,
): Promise<ApplyPlan> {
  const found = await findInstances(context, { containers: containersOf(written), checksLive: false });
  const pairs = names.map((name) => ({ name, instance: instanceOf(found.instances, name, written.tenants) }));
  const { config, notes: ofPort } = pairs.every(({ instance }) => instance === null)
    ? { config: written, notes: [] }
    : await withGatewayPort(context, written, options.input);
  const notes = [...(found.trouble === null ? [] : [`docker was not searched: ${found.trouble}`]), ...ofPort];
  const hasDocker = pairs.some(({ instance }) => instance?.kind === "docker");
  const host = hasDocker ? await addressForContainers(context, config) : null;
  if (host !== null && isLoopback(config.server.host))
    notes.push(
      `containers reach this machine at ${host}, but the gateway listens on ${config.server.host} only: run \`clawgate setup --host ${host}\` to change it`,
    );
  const programs = programsOf(context);
  const offersFor = await offlineOffers(options.input);
  const planned: PlannedInstance[] = [];
  for (const { name, instance } of pairs)
    if (instance !== null)
      planned.push(
        await planInstance({
          instance,
          tenant: name,
          config,
          host,
          options: { ...options, provider: null },
          placeOf: placesOf(context),
          offersFor,
          versionOf: (each, configText) => instanceVersion(each, configText, programs),
          environment: context.environment,
          ...(options.key === undefined ? {} : { key: options.key }),
        }),
      );
  return {
    planned,
    missing: pairs.flatMap(({ name, instance }) => (instance === null ? [name] : [])),
    notes,
  };
}

/** The plan for one named tenant. Throws ManageProblem if nothing can be written for it. */
export async function planApplyTo(
  context: CommandContext,
  config: Config,
  name: string,
  options: ApplyOptions,
): Promise<ApplyPlan> {
  const plan = await planApply(context, config, [name], options);
  const [first] = plan.planned;
  if (first === undefined) throw unknownInstance(name, plan.notes);
  if (first.leftOut !== null)
    throw new ManageProblem(`nothing was written: ${plain(name)} was skipped, ${plain(first.leftOut)}`);
  return plan;
}

export function unknownInstance(name: string, notes: readonly string[]): ManageProblem {
  const why = notes.length === 0 ? "" : ` (${plain(notes.join("; "))})`;
  return new ManageProblem(
    `no OpenClaw instance was found by the name ${plain(name)}${why}. For one in Docker set \`container\` of the tenant to the container's name; \`clawgate setup --dry-run\` shows what is found`,
  );
}

/** Removes our keys from the tenant's instance. Throws ManageProblem if it is missing or cannot be read. */
export async function planRemoval(
  context: CommandContext,
  config: Config,
  name: string,
): Promise<PlannedInstance> {
  const found = await findInstances(context, { containers: containersOf(config), checksLive: false });
  const instance = instanceOf(found.instances, name, config.tenants);
  if (instance === null) throw unknownInstance(name, found.trouble === null ? [] : [found.trouble]);
  const way = await accessTo(instance);
  if (typeof way === "string") throw new ManageProblem(`nothing was written: ${plain(way)}`);
  const placeOf = placesOf(context);
  const folder = await setupFolder(context);
  try {
    const text = await placeOf(way.config).read(way.config.path);
    const dotEnv = await placeOf(way.env).read(way.env.path);
    const original = await keptText(folder, way.config, hasNoEntry);
    const changes: (FileChange | null)[] = [
      text === null
        ? null
        : {
            ...way.config,
            before: text,
            after: withoutGateway(text, original),
          },
      dotEnv === null
        ? null
        : {
            ...way.env,
            before: dotEnv,
            after: removeFromDotEnv(dotEnv, variableNames),
          },
    ];
    return {
      instance,
      tenant: name,
      key: "kept",
      url: "",
      version: null,
      written: text,
      provider: "clawgate",
      changes: changes.filter((each) => each !== null).filter(({ before, after }) => before !== after),
      addition: null,
      leftOut: null,
    };
  } catch (error) {
    const why = error instanceof Json5Problem ? error.message : reasonOf(error);
    throw new ManageProblem(`nothing was written: ${plain(labelOfFile(way.config))}: ${plain(why)}`);
  }
}

function hasNoEntry(text: string): boolean {
  try {
    return providerIds.every((id) => !hasEntry(text, id));
  } catch (error) {
    if (error instanceof Json5Problem) return false;
    throw error;
  }
}

/** For the time when the config is already active: a new key must be shown whatever happens to the instance's files. */
export async function writeAfterConfig(
  context: CommandContext,
  planned: readonly PlannedInstance[],
  done?: string,
): Promise<readonly Outcome[]> {
  try {
    return await writeInstances(context, [], planned, done);
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    return planned.map((each) => ({ ...each, isWell: false, verdict: error.message }));
  }
}

/** One line per instance; `words` is the result. */
export function outcomesText(outcomes: readonly Outcome[], style: TerminalStyle): string {
  return outcomes
    .map(({ tenant, verdict, isWell }) => {
      const mark = isWell ? style.green("ok  ") : style.red("FAIL");
      return `${mark}  ${plain(tenant)}: ${plain(verdict)}\n`;
    })
    .join("");
}

export const outcomesAsJson = (outcomes: readonly Outcome[]) =>
  outcomes.map(({ tenant, instance, url, changes, verdict, isWell }) => ({
    tenant,
    container: instance.container,
    ...(url === "" ? {} : { url }),
    writes: changes.map(labelOfFile),
    ok: isWell,
    verdict,
  }));

/** A plan in the same form. */
export const asPlanned = (planned: PlannedInstance): Outcome => ({
  ...planned,
  isWell: planned.leftOut === null,
  verdict: planned.leftOut ?? (planned.changes.length === 0 ? "nothing to change" : "would be written"),
});

/** A name that docker does not know is a mistake. Throws ManageProblem, also if docker cannot be asked. */
export async function requireContainer(context: CommandContext, container: string): Promise<void> {
  const docker = dockerOf(context);
  if (docker === null)
    throw new ManageProblem("--docker names a container, but there is no docker program on PATH");
  const { instances, trouble } = await dockerInstances(docker, [container]);
  if (trouble !== null)
    throw new ManageProblem(`docker could not be asked for the container: ${plain(trouble)}`);
  const names = instances.flatMap((each) => each.container ?? []);
  if (names.includes(container)) return;
  const near = nearest(container, names);
  const hint = near === null ? "`docker ps -a` lists all of them." : `Did you mean "${plain(near)}"?`;
  throw new ManageProblem(`docker has no container "${plain(container)}". ${hint}`);
}

/** What the user must do after the files of an instance were changed. */
export function followUpText(outcomes: readonly Outcome[]): string {
  const changed = outcomes.filter(({ changes, isWell }) => isWell && changes.length > 0);
  if (changed.length === 0) return "";
  const containers = changed.flatMap(({ instance }) => instance.container ?? []);
  const restart = containers.map((name) => `docker restart ${name}`).join("; ");
  return `A running OpenClaw applies the provider by itself; its key is a variable of its .env and takes effect at its next start${
    restart === "" ? "" : ` (${plain(restart)})`
  }. \`clawgate setup --undo\` reverts it.\n`;
}
