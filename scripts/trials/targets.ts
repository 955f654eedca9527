// The trial of the release's targets: every program that can be run here answers /health and a request with a key, emulated where the
// processor or the C library is another one. Of the others the header is read, and the report says that they were not run.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { releaseTargets, type ReleaseTarget } from "../../src/updates/release-files.ts";
import { buildBinary } from "../build.ts";
import { baseExecutable, readPinned } from "../release/base-executables.ts";
import { healthProblem, startProgram } from "../release/started-program.ts";
import { emulatorOf, glibcLibraries, muslLibraries } from "./foreign-systems.ts";
import type { Trial } from "./trial.ts";

type Row = { readonly line: string; readonly isHeld: boolean };

export const targetsTrial: Trial = {
  purpose: "each target's program answers, emulated where it must be; --folder keeps emulators and libraries",
  async run(options) {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), "clawgate-targets-"));
    mkdirSync(folder, { recursive: true });
    const rows: Row[] = [];
    try {
      for (const target of releaseTargets) {
        const program = await build(target, folder);
        rows.push(checkHeader(target, program));
        for (const way of waysToRun(target)) rows.push(await tryToRun(target, way, program, folder));
        rmSync(program);
      }
    } finally {
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    }
    return { lines: rows.map(({ line }) => line), isHeld: rows.every(({ isHeld }) => isHeld) };
  },
};

async function build(target: ReleaseTarget, folder: string): Promise<string> {
  const root = join(import.meta.dir, "..", "..");
  const cache = join(root, ".cache", "base-executables");
  mkdirSync(cache, { recursive: true });
  const base = await baseExecutable(target, readPinned(root), { cache, folder: join(folder, "bases") });
  const output = join(folder, target, "clawgate");
  const program = buildBinary({ target: `bun-${target}`, output, baseExecutable: base });
  rmSync(base);
  return program;
}

type Way = { readonly name: string; command(program: string, folder: string): readonly string[] };

/** With qemu's `-cpu`: a processor of 2008, without AVX. */
const oldProcessor: Way = {
  name: "qemu -cpu Nehalem (no AVX)",
  command: (program, folder) => [emulatorOf("x86_64", folder), "-cpu", "Nehalem", program],
};
const native: Way = { name: "this machine", command: (program) => [program] };

function waysToRun(target: ReleaseTarget): readonly Way[] {
  const isOwn = (processor: string): boolean => process.platform === "linux" && process.arch === processor;
  switch (target) {
    case "linux-x64":
      return isOwn("x64") ? [native, oldProcessor] : [oldProcessor];
    case "linux-x64-baseline":
      return [oldProcessor];
    case "linux-x64-musl":
      return [muslOn("x86_64", [])];
    case "linux-x64-musl-baseline":
      return [muslOn("x86_64", ["-cpu", "Nehalem"])];
    case "linux-arm64":
      return isOwn("arm64")
        ? [native]
        : [
            {
              name: "qemu-aarch64",
              command: (program, folder) => [
                emulatorOf("aarch64", folder),
                "-L",
                glibcLibraries("aarch64", folder),
                program,
              ],
            },
          ];
    case "linux-arm64-musl":
      return [muslOn("aarch64", [])];
    default:
      return process.platform === target.split("-")[0] && process.arch === target.split("-")[1]
        ? [native]
        : [];
  }
}

const muslOn = (processor: "x86_64" | "aarch64", flags: readonly string[]): Way => ({
  name: ["qemu", ...flags, "with musl"].join(" "),
  command: (program, folder) => [
    emulatorOf(processor, folder),
    ...flags,
    "-L",
    muslLibraries(processor, folder),
    program,
  ],
});

async function tryToRun(target: string, way: Way, program: string, folder: string): Promise<Row> {
  try {
    const running = await startProgram(way.command(program, folder), {
      limitMs: 120_000,
      // Without it the program replaces itself with a new process, which an emulator that is not registered cannot start.
      env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" },
    });
    const code = await running.stop();
    const problem = healthProblem(running.health);
    const isHeld = problem === null && code === 0;
    const result = `${problem ?? "/health ok"}, ${running.startMs.toFixed(0)} ms to the first answer, exit ${code}`;
    return { line: `${isHeld ? "held  " : "MISSED"} ${target}, ${way.name}: ${result}`, isHeld };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { line: `MISSED ${target}, ${way.name}: ${words}`, isHeld: false };
  }
}

function checkHeader(target: ReleaseTarget, program: string): Row {
  const found = formatOf(readFileSync(program));
  const [system = "", processor = ""] = target.split("-");
  const wanted = `${{ linux: "ELF", darwin: "Mach-O, signed", windows: "PE" }[system]} ${processor}`;
  const isHeld = found === wanted;
  const unrun = waysToRun(target).length === 0 ? "; not run here" : "";
  return { line: `${isHeld ? "held  " : "MISSED"} ${target}: header ${found}${unrun}`, isHeld };
}

/** "ELF x64", "Mach-O, signed arm64", "PE x64". */
export function formatOf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameOf = (table: Readonly<Record<number, string>>, code: number): string =>
    table[code] ?? `processor ${code}`;
  if (view.getUint32(0) === 0x7f45_4c46)
    return `ELF ${nameOf({ 0x3e: "x64", 0xb7: "arm64" }, view.getUint16(18, true))}`;
  if (view.getUint32(0, true) === 0xfeed_facf) {
    const processor = nameOf({ 0x0100_0007: "x64", 0x0100_000c: "arm64" }, view.getUint32(4, true));
    return `Mach-O${hasSignature(view) ? ", signed" : ""} ${processor}`;
  }
  if (view.getUint16(0) === 0x4d5a) {
    const head = view.getUint32(0x3c, true);
    if (view.getUint32(head) === 0x5045_0000)
      return `PE ${nameOf({ 0x8664: "x64", 0xaa64: "arm64" }, view.getUint16(head + 4, true))}`;
  }
  return "unknown";
}

/** macOS starts no arm64 program without one: a load command (LC_CODE_SIGNATURE) that points at a signature of the right kind. */
function hasSignature(view: DataView): boolean {
  const commands = view.getUint32(16, true);
  for (let index = 0, at = 32; index < commands; index += 1) {
    if (view.getUint32(at, true) === 0x1d) {
      const offset = view.getUint32(at + 8, true);
      return offset + 4 <= view.byteLength && view.getUint32(offset) === 0xfade_0cc0;
    }
    at += view.getUint32(at + 4, true);
  }
  return false;
}
