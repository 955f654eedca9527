// What set-up would change, planned before anything is written: the config's tenants and each instance's files. It must never write,
// and never return a key except inside a file's new text.

import { join } from "node:path";
import { discoveredConfig } from "../app/offline/discovered-config.ts";
import { loadOffline, withFileText } from "../app/offline/offline-config.ts";
import { skillsDirectoryOf } from "../operator/skills-directory.ts";
import { asksForKeys } from "../config/client-keys.ts";
import { editConfig, EditProblem, newConfig } from "../config/edit.ts";
import type { Config } from "../config/schema.ts";
import { findConfigFile } from "../config/search.ts";
import type { FileChange } from "../openclaw/applied-changes.ts";
import { tenantFor } from "../openclaw/tenant-match.ts";
import { errorCode } from "../system/files.ts";
import type { CommandContext } from "./command.ts";
import { withGatewayPort } from "./gateway-port.ts";
import { addressForContainers, containersOf, findInstances, placesOf } from "./instance-search.ts";
import { isLoopback, type PlannedInstance, planInstance, type SetupOptions } from "./setup-instance.ts";
import { offlineInput, readFile } from "./config-input.ts";

export type SetupPlan = {
  readonly configPath: string;
  readonly config: FileChange | null;
  /** The new `server.host`; null: unchanged. */
  readonly host: string | null;
  readonly instances: readonly PlannedInstance[];
  readonly notes: readonly string[];
  /** Whether set-up pulls skills, according to the config. */
  readonly pullsSkills: boolean;
  /** The folder of all tenants' skills. */
  readonly skillsFolder: string;
};

/** Throws ConfigProblem, EditProblem, GatewayProblem. */
export async function planSetup(context: CommandContext, options: SetupOptions): Promise<SetupPlan> {
  const input = offlineInput(context, options.config);
  const place = configPlace(context, options.config);
  const isNew = place.text === null;
  const notes: string[] = [];
  const loaded = await loadOffline(isNew ? withoutFile(input) : input);
  const edit = editConfig(place.text ?? (await firstText(input)));
  if (options.host !== null && options.host !== loaded.config.server.host) edit.setHost(options.host);
  const listens = options.host ?? loaded.config.server.host;
  const { instances: found, trouble } = await findInstances(context, {
    containers: containersOf(loaded.config),
    checksLive: true,
  });
  const heard: Config = { ...loaded.config, server: { ...loaded.config.server, host: listens } };
  const { config, notes: ofPort } =
    found.length === 0 ? { config: heard, notes: [] } : await withGatewayPort(context, heard, input);
  notes.push(...ofPort);
  if (trouble !== null) notes.push(`docker was not searched: ${trouble}`);
  const hasDocker = found.some(({ kind }) => kind === "docker");
  const host = hasDocker ? await addressForContainers(context, config) : null;
  if (host !== null && isLoopback(config.server.host))
    notes.push(
      `containers reach this machine at ${host}, but the gateway listens on ${config.server.host} only: ` +
        `add --host ${/^\d/.test(host) ? host : "0.0.0.0"} (it sets server.host and takes effect at the gateway's next start)`,
    );
  if (found.length > 0 && !asksForKeys(config))
    notes.push(
      "with tenants in the config every client needs a key: put the keys of your other programs into auth.keys",
    );

  const instances: PlannedInstance[] = [];
  const placeOf = placesOf(context);
  for (const instance of found) {
    const tenant = tenantFor(instance, edit.tenants()).name;
    const planned = await planInstance({ instance, tenant, config, host, options, placeOf });
    if (planned.addition !== null) edit.addTenant(planned.addition);
    instances.push(planned);
  }
  if (isNew && Object.keys(config.providers).every((id) => id === "demo"))
    notes.push("no provider was found, only the demonstration answers: add one to the config");
  const text = edit.text();
  // If no instance is set up, the user should read why, not what is wrong with a config that is not needed.
  const isForNobody = instances.length > 0 && instances.every(({ leftOut }) => leftOut !== null);
  const isChanged = isNew ? edit.tenants().length > 0 || options.host !== null : text !== place.text;
  const isWorthWriting = isChanged && !isForNobody;
  // A config that the gateway would refuse must never be written.
  if (isWorthWriting)
    await loadOffline(withFileText({ ...input, argvConfigPath: place.path }, place.path, text));
  return {
    configPath: place.path,
    host: listens === loaded.config.server.host ? null : listens,
    config: isWorthWriting ? { path: place.path, kind: "config", before: place.text, after: text } : null,
    instances,
    notes,
    pullsSkills: config.skills.sync === "auto",
    skillsFolder: skillsDirectoryOf({ ...loaded, path: place.path }),
  };
}

/** A file named by the user need not exist: set-up creates it. */
function configPlace(context: CommandContext, named: string | undefined) {
  const input = offlineInput(context, named);
  const search = findConfigFile(input);
  if ("file" in search && search.file !== null) return { path: search.file.path, text: search.file.text };
  if ("missing" in search) {
    if (readFileOrNull(search.missing) === null) return { path: search.missing, text: null };
    throw new EditProblem(`${search.missing} cannot be read: ${search.reason}`);
  }
  const xdg = context.environment["XDG_CONFIG_HOME"];
  const home = xdg?.startsWith("/") ? xdg : join(context.homeDirectory, ".config");
  return { path: join(home, "clawgate", "config.yaml"), text: null };
}

function readFileOrNull(path: string): string | null {
  try {
    return readFile(path);
  } catch (error) {
    throw new EditProblem(`${path} cannot be read (${errorCode(error) ?? "unknown"})`);
  }
}

type Input = ReturnType<typeof offlineInput>;

const withoutFile = (input: Input): Input => ({
  ...input,
  argvConfigPath: undefined,
  environment: { ...input.environment, CLAWGATE_CONFIG: undefined },
});

async function firstText(input: Input): Promise<string> {
  const { value } = await discoveredConfig(withoutFile(input));
  return newConfig(
    [
      "Written by `clawgate setup`: what it found on this machine, keys in their variables.",
      "config.example.yaml and the README show every setting.",
    ],
    value,
  );
}
