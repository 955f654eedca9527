// A client's program on this machine: where it is, its version, and what its own checker says of its config.

import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client, Surroundings } from "../../connect/client.ts";
import { maxFileBytes } from "../../connect/client-file.ts";
import { errorCode } from "../../system/files.ts";
import { findOnPath, runCommand } from "../../system/process.ts";
import type { CommandContext } from "../command.ts";
import { plain } from "../terminal.ts";

export function surroundings(context: CommandContext): Surroundings {
  const { environment, homeDirectory, workingDirectory } = context;
  const { platform } = process;
  return { environment, homeDirectory, workingDirectory, platform, exists: existsSync, readText };
}

/** A file of the client's that is only looked into. */
function readText(path: string): string | null {
  try {
    const { size } = statSync(path);
    return size > maxFileBytes ? null : readFileSync(path, "utf8");
  } catch {
    // Missing, no file, or not to be read by this user: the client has nothing from it then.
    return null;
  }
}

/** Null: it is not installed, as far as can be seen. */
export function programOf(client: Client, around: Surroundings): string | null {
  for (const name of client.programs) {
    const found = findOnPath(name, around.environment["PATH"]);
    if (found !== null) return found;
  }
  return client.found?.(around) ?? null;
}

const limitMs = 15_000;
/** A program that is started for the first time may prepare its home for long. */
const checkLimitMs = 60_000;
const mostToldBytes = 8 * 1024 * 1024;

/** The client's surroundings as a person would start it; variables without a value are left out. */
export const wholeEnvironment = ({
  environment,
}: Pick<Surroundings, "environment">): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/** Null: it has no version to tell. */
export async function versionOf(client: Client, around: Surroundings): Promise<string | null> {
  const program = client.programs.length === 0 ? null : programOf(client, around);
  if (program === null) return null;
  try {
    const { stdout, stderr } = await runCommand([program, "--version"], {
      timeoutMs: limitMs,
      env: wholeEnvironment(around),
      cwd: around.homeDirectory,
    });
    return /\d+\.\d+(?:\.[0-9A-Za-z.+-]+)?/.exec(`${stdout} ${stderr}`)?.[0] ?? null;
  } catch (error) {
    // A program that cannot be started has no version; its state is shown all the same.
    if (errorCode(error) === null) throw error;
    return null;
  }
}

/** The machine, with what the client's program tells about itself where its row asks for that. */
export async function askedSurroundings(client: Client, around: Surroundings): Promise<Surroundings> {
  const program = programOf(client, around);
  if (client.asks === undefined || program === null) return around;
  const { args, emptyFolder } = client.asks;
  const folder = await mkdtemp(join(tmpdir(), "clawgate-ask-"));
  try {
    const { code, timedOut, stdout } = await runCommand([program, ...args], {
      timeoutMs: limitMs,
      env: { ...wholeEnvironment(around), [emptyFolder]: folder },
      cwd: folder,
      maxOutputBytes: mostToldBytes,
    });
    return code === 0 && !timedOut ? { ...around, told: stdout } : around;
  } catch (error) {
    // A program that cannot be started tells nothing; the row says what is then missing.
    if (errorCode(error) === null) throw error;
    return around;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the client's own checker finds wrong; null: nothing, or it has none. */
export async function checkedBy(client: Client, around: Surroundings): Promise<string | null> {
  const program = programOf(client, around);
  if (client.check === undefined || program === null) return null;
  const { timedOut, ...result } = await runCommand([program, ...client.check.args], {
    timeoutMs: checkLimitMs,
    env: wholeEnvironment(around),
    cwd: around.workingDirectory,
  });
  if (timedOut)
    return `${client.title} did not answer within ${checkLimitMs / 1000} s when it was asked to check its config`;
  const problem = client.check.problemIn(result);
  return problem === null ? null : plain(problem);
}
