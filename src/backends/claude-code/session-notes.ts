// Removes the notes that Claude Code keeps about its running processes: a process that was killed cannot remove its
// own.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Launch } from "../agent-process/launch.ts";

/**
 * They are named by pid. 2.1.197 removes such notes at its next start, 2.1.329 does not. In a jail the pid differs, and the
 * notes disappear with the jail.
 */
export async function removeSessionNotes(
  { env, jail }: Pick<Launch, "env" | "jail">,
  pid: number,
): Promise<void> {
  if (jail !== null) return;
  const folder = join(env["CLAUDE_CONFIG_DIR"] ?? join(env["HOME"] ?? "", ".claude"), "sessions");
  const names = await readdir(folder).catch(() => []);
  const own = names.filter((name) => name.startsWith(`${pid}.`) && /\.(?:json|key)$/.test(name));
  await Promise.all(own.map((name) => rm(join(folder, name), { force: true })));
}
