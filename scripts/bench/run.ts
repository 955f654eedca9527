// `npm run bench`: starts all targets, measures them in turn and stops them; prints the table. Loopback only, limited in time.
// Flags: --rounds N, --quick, --only <case,case>, --no-endurance, --load wrk|own, --json FILE, --stand-in (tests the bench itself),
// --cli / --no-cli (the Claude Code program, if it is found; --only cli measures nothing else).

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cases, measureCase, type Row } from "./cases.ts";
import { findClaude, measureCli } from "./cli.ts";
import { measureEndurance } from "./endurance.ts";
import { goalsOf, renderReport, type Report } from "./report.ts";
import { measureRouting } from "./routing.ts";
import { buildBinaries, startGateway, startNginx, startPassthrough, startUpstream } from "./targets.ts";
import { openBenchProcesses, type BenchProcesses } from "./processes.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    endurance: { type: "boolean", default: true },
    cli: { type: "boolean" },
    load: { type: "string" },
    json: { type: "string" },
    "stand-in": { type: "boolean", default: false },
  },
  allowNegative: true,
});

const limitMs = 20 * 60_000;

async function bench(processes: BenchProcesses, directory: string): Promise<Report> {
  const wanted = flags.only?.split(",");
  const known = [...cases.map((each) => each.id), "cli"];
  const unknown = wanted?.filter((id) => !known.includes(id)) ?? [];
  if (unknown.length > 0) throw new Error(`no case ${unknown.join(", ")}; cases: ${known.join(", ")}`);
  const tool = flags.load === "own" || Bun.which("wrk") === null ? "own" : "wrk";
  const rounds = flags.quick ? 1 : Number(flags.rounds ?? 3);
  const isStandIn = flags["stand-in"];
  const setup = await buildBinaries(processes, directory, isStandIn);
  const upstream = await startUpstream(setup);
  const nginx = await startNginx(setup, upstream.port);
  const passthrough = await startPassthrough(setup, upstream.port);
  const chatFirst = await startGateway(setup, upstream.port, ["oai", "ant"]);
  const messagesFirst = await startGateway(setup, upstream.port, ["ant", "oai"]);

  const rows: Row[] = [];
  const failures: string[] = [];
  for (const each of cases) {
    if (wanted ? !wanted.includes(each.id) : flags.quick && each.isExtra) continue;
    say(`${each.title} …`);
    const gateway = each.chain === "chat" ? chatFirst : messagesFirst;
    const targets = [upstream, ...(nginx ? [nginx] : []), passthrough, gateway];
    try {
      rows.push(...(await measureCase({ processes, directory, tool, rounds }, each, targets)));
    } catch (error) {
      failures.push(`${each.title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const target of [chatFirst, messagesFirst, passthrough, nginx]) await target?.runner.stop();

  const wantsCli = flags.cli ?? wanted?.includes("cli") ?? !flags.quick;
  const claude = wantsCli && !isStandIn ? await findClaude() : null;
  if (claude === null && flags.cli === true) failures.push("Claude Code: the program was not found");
  let cli: Report["cli"] = [];
  if (claude !== null) {
    say("Claude Code behind the gateway …");
    try {
      cli = await measureCli(setup, claude);
    } catch (error) {
      failures.push(`Claude Code: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const endurance: Report["endurance"] = {};
  if (flags.endurance && flags.only !== "cli") {
    say("start, memory, 1,000 aborts, 1,000 streams at once …");
    endurance.passthrough = await measureEndurance(processes, directory, upstream, "", async () => {
      const startedAt = performance.now();
      const target = await startPassthrough(setup, upstream.port);
      return { target, startMs: performance.now() - startedAt };
    });
    endurance.gateway = await measureEndurance(processes, directory, upstream, "oai/", async () => {
      const startedAt = performance.now();
      const target = await startGateway(setup, upstream.port, ["oai", "ant"]);
      return { target, startMs: performance.now() - startedAt };
    });
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, Bun ${Bun.version}`;
  return {
    machine: isStandIn ? `${machine}, pass-through in the gateway's place` : machine,
    tool,
    rounds,
    rows,
    failures,
    endurance,
    cli,
    routing: measureRouting(),
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const directory = mkdtempSync(join(tmpdir(), "clawgate-bench-"));
const processes = openBenchProcesses(directory);
process.on("exit", () => {
  processes.stopAll();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
setTimeout(() => {
  say(`not done after ${limitMs / 60_000} minutes`);
  process.exit(1);
}, limitMs).unref();

try {
  const report = await bench(processes, directory);
  process.stdout.write(`${renderReport(report)}\n`);
  if (flags.json !== undefined) {
    await Bun.write(flags.json, `${JSON.stringify({ ...report, marks: goalsOf(report) }, null, 2)}\n`);
  }
  process.exit(report.failures.length === 0 ? 0 : 1);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
