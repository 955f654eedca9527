// How the rows of promises.ts are tried: each row of a page has a check of the same name, and texts run as they are printed, but for the
// gateway's address and key.

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Program } from "../../src/migration/finding.ts";
import { cleanEnvironment } from "../support/binary.ts";
import { type Finished, runProgram } from "../support/program-run.ts";
import { promises } from "./promises.ts";

export const repository = join(import.meta.dir, "..", "..");

/** One test for each row of the page that is run here. A row without a check, and a check without a row, fail. */
export function tryRows(page: Program, checks: Readonly<Record<string, () => Promise<void> | void>>): void {
  const names = promises.filter((row) => row.page === page && row.tried.by === "run").map(({ what }) => what);
  test("every row has its check", () => expect(Object.keys(checks).toSorted()).toEqual(names.toSorted()));
  for (const name of names) test(name, async () => void (await checks[name]?.()), 30_000);
}

/** The text with this gateway's address and key. */
export const atGateway = (printed: string, url: string, key = ""): string =>
  printed
    .replaceAll(/http:\/\/(?:localhost|127\.0\.0\.1):(?:8090|3456|4523)/g, url)
    .replaceAll("<tenant-key>", key);

/** In a shell, as a person would. Throws an Error with the program's output if it fails. */
export async function shell(command: string, cwd: string): Promise<string> {
  return outputOf(
    await runProgram(["sh", "-c", command], { cwd, env: cleanEnvironment(cwd), timeoutMs: 20_000 }),
  );
}

/** A module that finds the packages of this repository. */
export async function snippet(source: string): Promise<string> {
  const child = Bun.spawn([process.execPath, "--no-env-file", "-"], {
    cwd: repository,
    env: cleanEnvironment("/nonexistent"),
    stdin: Buffer.from(source),
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return outputOf({ code, stdout, stderr });
}

function outputOf({ code, stdout, stderr }: Finished): string {
  if (code !== 0) throw new Error(`exit code ${code}\n${stdout}\n${stderr}`);
  return stdout;
}
