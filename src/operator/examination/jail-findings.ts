// What `clawgate doctor` finds about the jail of the Claude Code program: whether one is possible, and whether it is effective, checked
// from inside for every tenant that has one. It uses a temporary folder; it must never create or change anything of the user's.

import { chmod, chown, mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { breachesText, createInstallation } from "../../backends/claude-code/installation.ts";
import { findJail } from "../../backends/agent-process/jail/bubblewrap.ts";
import { createJailRuntime } from "../../backends/agent-process/jail/jail-runtime.ts";
import { type Breach, type GuaranteeId, guarantees } from "../../backends/agent-process/jail/jail-check.ts";
import { createSharedFolder, resolveUser, UserProblem } from "../../backends/agent-process/other-user.ts";
import type { PreparedTenant } from "../../backends/claude-code/prepare.ts";
import { programName } from "../../backends/claude-code/program-facts.ts";
import type { CliProgram } from "../../backends/claude-code/program-settings.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { UserIds } from "../../system/accounts.ts";
import { findOnPath, runCommand } from "../../system/process.ts";
import type { Environment } from "../../system/state-directory.ts";
import { gatewayFilesOf } from "../gateway-files.ts";
import { programPlanOf } from "../../backends/claude-code/program-plan.ts";
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
const title = "its own namespace (bubblewrap)";

export async function jailFindings(question: JailQuestion): Promise<readonly Finding[]> {
  const { program, environment, idOf } = question;
  if (program.jail === "off") return [];
  try {
    const found = await findJail({
      programName,
      mode: program.jail,
      path: environment["PATH"],
      platform: process.platform,
    });
    if (found.program !== null)
      return [inCli("ok", idOf("jail"), title, found.program), ...(await promiseFindings(question))];
    const advice = "it runs without a jail; set jail: off to make that explicit, or install bubblewrap";
    return [inCli("warning", idOf("jail"), title, found.warning, advice)];
  } catch (thrown) {
    return [
      inCli(
        "failed",
        idOf("jail"),
        title,
        errorText(thrown),
        "install bubblewrap, or set jail to auto or off",
      ),
    ];
  }
}

async function promiseFindings({
  provider,
  loaded,
  program,
  idOf,
}: JailQuestion): Promise<readonly Finding[]> {
  if (provider === null || loaded === null) return [];
  const plan = programPlanOf(provider, loaded, gatewayFilesOf(loaded), () => {
    throw new Error("the jail check must not request a model");
  });
  if (plan === null) return [];
  const folder = await mkdtemp(join(tmpdir().length > longestFolder ? "/tmp" : tmpdir(), "clawgate-doctor-"));
  const jailRuntime = createJailRuntime({
    sharedFolder: createSharedFolder(join(folder, "room"), () => Promise.resolve()),
    ownPort: () => null,
  });
  const warnings: string[] = [];
  const installation = createInstallation({
    program,
    environment: loaded.environment,
    stateDirectory: join(folder, "state"),
    guardedPaths: plan.guarded,
    mcpServers: plan.mcpServers,
    jailRuntime,
    warn: (message) => void warnings.push(message),
  });
  const guests: OtherUserFolder[] = [];
  try {
    const breaches: Breach[] = [];
    const findings: Finding[] = [];
    for (const [tenant, settings] of [[null, null] as const, ...plan.tenants]) {
      const place = await placeFor(tenant, settings, {
        folder,
        bin: installation.bin(),
        environment: loaded.environment,
      });
      if (place === null) continue;
      if (place === "unseen") {
        const why = "only root can check the jail of another user";
        findings.push(inCli("skipped", idOf(`jail.${tenant}`), `the jail of tenant ${tenant}`, why));
        continue;
      }
      if (place.guest !== null) guests.push(place.guest);
      try {
        breaches.push(...((await installation.breachesOf(tenant, place.settings)) ?? []));
        if (place.isOtherUser)
          findings.push(
            inCli("ok", idOf(`jail.${tenant}`), `the jail of tenant ${tenant}`, "checked as its user"),
          );
      } catch (thrown) {
        const whose = tenant === null ? "requests without a tenant" : `tenant ${tenant}`;
        const why = warnings.at(-1) ?? errorText(thrown);
        findings.push(inCli("failed", idOf(`jail.${tenant ?? "none"}`), `the jail of ${whose}`, why, gone));
      }
    }
    return [
      ...findings,
      ...Object.keys(guarantees).map((id) => promiseFinding(id as GuaranteeId, breaches, idOf)),
    ];
  } finally {
    await jailRuntime.close();
    // Root must not remove files in a folder of another user: a link could lead elsewhere.
    const areGone = await Promise.all(
      guests.map((guest) => removeOtherUserFolder(guest, loaded.environment)),
    );
    if (areGone.every((isGone) => isGone)) await rm(folder, { recursive: true, force: true });
  }
}

/** A folder that belongs to another user. */
type OtherUserFolder = { readonly user: UserIds; readonly workingDir: string };

/** False: something in it could not be removed. */
async function removeOtherUserFolder(
  { user, workingDir }: OtherUserFolder,
  environment: Environment,
): Promise<boolean> {
  const program = findOnPath("rm", environment["PATH"]) ?? "/bin/rm";
  await runCommand([program, "-rf", "--", workingDir], { timeoutMs: 5_000, cwd: "/", user });
  return rmdir(workingDir).then(
    () => true,
    () => false,
  );
}

type Place =
  | {
      readonly settings: PreparedTenant | null;
      readonly isOtherUser: boolean;
      readonly guest: OtherUserFolder | null;
    }
  /** Only root can check. */
  | "unseen"
  /** There is no such user: another finding reports it. */
  | null;

/**
 * Where the jail of a tenant is checked. Another user gets a temporary working folder, which is removed again: in the home of that
 * user it would remain.
 */
async function placeFor(
  tenant: string | null,
  settings: PreparedTenant | null,
  {
    folder,
    bin,
    environment,
  }: { readonly folder: string; readonly bin: string; readonly environment: Environment },
): Promise<Place> {
  const uid = settings?.uid ?? null;
  if (tenant === null || settings === null || uid === null)
    return { settings, isOtherUser: false, guest: null };
  if (process.getuid?.() !== 0) return "unseen";
  try {
    const account = await resolveUser({ programName, tenant, uid, bin, environment });
    if (settings.workingDir !== null) return { settings, isOtherUser: true, guest: null };
    const workingDir = join(folder, `work-${crypto.randomUUID().slice(0, 8)}`);
    // No other program knows its name, and it cannot be listed.
    await chmod(folder, 0o711);
    await mkdir(workingDir, { mode: 0o700 });
    await chown(workingDir, account.uid, account.gid);
    return { settings: { ...settings, workingDir }, isOtherUser: true, guest: { user: account, workingDir } };
  } catch (thrown) {
    if (thrown instanceof UserProblem) return null;
    throw thrown;
  }
}

/** The path of a socket in it may have at most 107 bytes. */
const longestFolder = 50;
const gone = "nothing runs in it: change the folders that this line names";

function promiseFinding(id: GuaranteeId, breaches: readonly Breach[], idOf: (id: string) => string): Finding {
  const own = breaches.filter(({ guarantee }) => guarantee === id);
  return own.length === 0
    ? inCli("ok", idOf(`jail.${id}`), `not accessible from the jail: ${guarantees[id]}`)
    : inCli(
        "failed",
        idOf(`jail.${id}`),
        `accessible from the jail: ${guarantees[id]}`,
        breachesText(own),
        "with jail: required the gateway does not start; move what is named, or report it",
      );
}

const errorText = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
