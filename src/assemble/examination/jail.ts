// The jail of the Claude Code program as `clawgate doctor` sees it: whether there can be one, and whether it holds, tried from
// inside for everybody who has one. Whatever it needs lies in a folder that goes again; nothing of the user's is made or changed.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { breachesText, createInstallation } from "../../backends/cli/installation.ts";
import { findJail } from "../../backends/cli/jail.ts";
import { createJailRoom } from "../../backends/cli/jail/room.ts";
import { type Breach, type PromiseId, promises } from "../../backends/cli/jail/trial.ts";
import { openFolderAt } from "../../backends/cli/other-user.ts";
import type { CliProgram } from "../../backends/cli/program.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { type Environment, stateDirectory } from "../../system/state-directory.ts";
import { cliPlanOf } from "../cli-plan.ts";
import { type Finding, findingsIn } from "./finding.ts";

export type JailQuestion = {
  /** Null: no provider of the config is this program. */
  readonly provider: string | null;
  readonly program: CliProgram;
  readonly loaded: LoadedConfig | null;
  readonly environment: Environment;
  readonly idOf: (id: string) => string;
};

const inCli = findingsIn("cli");
const title = "a namespace of its own (bubblewrap)";

export async function jailFindings(question: JailQuestion): Promise<readonly Finding[]> {
  const { program, environment, idOf } = question;
  if (program.jail === "off") return [];
  try {
    const found = await findJail({
      mode: program.jail,
      path: environment["PATH"],
      platform: process.platform,
    });
    if (found.program !== null)
      return [inCli("ok", idOf("jail"), title, found.program), ...(await trialFindings(question))];
    const advice = "it runs without; set jail: off to say so, or install bubblewrap";
    return [inCli("warning", idOf("jail"), title, found.warning, advice)];
  } catch (thrown) {
    return [
      inCli("failed", idOf("jail"), title, wordsOf(thrown), "install bubblewrap, or set jail to auto or off"),
    ];
  }
}

async function trialFindings({ provider, loaded, program, idOf }: JailQuestion): Promise<readonly Finding[]> {
  if (provider === null || loaded === null) return [];
  const plan = cliPlanOf(provider, loaded, stateDirectory(loaded.environment), () => {
    throw new Error("a trial asks for no model");
  });
  if (plan === null) return [];
  const folder = await mkdtemp(join(tmpdir().length > longestFolder ? "/tmp" : tmpdir(), "clawgate-doctor-"));
  const room = createJailRoom({
    open: openFolderAt(join(folder, "room"), () => Promise.resolve()),
    ownPort: () => null,
  });
  const said: string[] = [];
  const installation = createInstallation({
    program,
    environment: loaded.environment,
    stateDirectory: join(folder, "state"),
    guarded: plan.guarded,
    mcpServers: plan.mcpServers,
    room,
    warn: (message) => void said.push(message),
  });
  try {
    const breaches: Breach[] = [];
    const findings: Finding[] = [];
    for (const [tenant, settings] of [[null, null] as const, ...plan.tenants]) {
      // The folders of another user of the machine are made by its own rights, and stay: that is for the gateway's start.
      if ((settings?.uid ?? null) !== null) continue;
      try {
        breaches.push(...((await installation.tryJailOf(tenant, settings)) ?? []));
      } catch (thrown) {
        const whose = tenant === null ? "requests without a tenant" : `tenant ${tenant}`;
        const why = said.at(-1) ?? wordsOf(thrown);
        findings.push(inCli("failed", idOf(`jail.${tenant ?? "none"}`), `the jail of ${whose}`, why, gone));
      }
    }
    return [
      ...findings,
      ...Object.keys(promises).map((id) => promiseFinding(id as PromiseId, breaches, idOf)),
    ];
  } finally {
    await room.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The name of a socket in it has 107 bytes at most. */
const longestFolder = 50;
const gone = "nothing is run in it: change the folders that the line names";

function promiseFinding(id: PromiseId, breaches: readonly Breach[], idOf: (id: string) => string): Finding {
  const own = breaches.filter(({ promise }) => promise === id);
  return own.length === 0
    ? inCli("ok", idOf(`jail.${id}`), `out of reach in the jail: ${promises[id]}`)
    : inCli(
        "failed",
        idOf(`jail.${id}`),
        `within reach in the jail: ${promises[id]}`,
        breachesText(own),
        "with jail: required the gateway does not start; move what is named, or report it",
      );
}

const wordsOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
