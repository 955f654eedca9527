// `bun scripts/release/launch.ts <folder> <target>`: unpacks the archive of a target as a user would and starts the program on the system
// that it is for. On macOS a program whose signature forbids compiling at run time dies here, and nowhere earlier.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveName } from "../../src/updates/release-files.ts";
import { healthProblem, startProgram } from "./started-program.ts";

async function launch(above: string, target: string): Promise<void> {
  const [version] = readdirSync(above);
  if (version === undefined) throw new Error(`${above} holds no release`);
  const folder = mkdtempSync(join(tmpdir(), "clawgate-launch-"));
  try {
    // The tar of Windows and of macOS reads zip files too.
    const tar = process.platform === "win32" ? "C:\\Windows\\System32\\tar.exe" : "tar";
    run([tar, "-xf", join(above, version, archiveName(target)), "-C", folder]);
    const program = join(folder, process.platform === "win32" ? "clawgate.exe" : "clawgate");
    if (process.platform === "darwin") run(["codesign", "--verify", "--verbose", program]);
    run([program, "version"]);
    run([program, "doctor", "--quick"]);
    const running = await startProgram([program], { limitMs: 60_000 });
    console.log(`${target}: ${running.startMs.toFixed(0)} ms to the first answer: ${running.health}`);
    await running.stop();
    const problem = healthProblem(running.health);
    if (problem !== null) throw new Error(`${target}: ${problem}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(command: readonly string[]): void {
  const ran = Bun.spawnSync([...command], { stdout: "inherit", stderr: "inherit" });
  if (!ran.success)
    throw new Error(`${command.join(" ")} ended with ${ran.exitCode ?? ran.signalCode ?? "nothing"}`);
}

if (import.meta.main) {
  const [folder = "", target = ""] = process.argv.slice(2);
  try {
    await launch(folder, target);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
