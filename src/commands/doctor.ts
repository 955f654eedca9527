// `clawgate doctor`: examines everything that a gateway needs, and reports what is wrong and what to do about it. It must never send
// a paid request, and never change anything.

import { dirname } from "node:path";
import { examine } from "../operator/examination/examination.ts";
import { type Finding, type SectionId, sections } from "../operator/examination/finding.ts";
import { examinationInput, offlineEnvironment, type OfflineInput } from "../app/offline/offline-config.ts";
import { fullVersion } from "../system/identity.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { connectionFindings } from "./connect/client-list.ts";
import {
  absentFindings,
  gatewayFindings,
  askGateway,
  type GatewayAnswers,
  gatewayProviderFindings,
  type GatewayLookup,
} from "./doctor-gateway.ts";
import { installationFindings } from "./doctor-installation.ts";
import { notLoadedLines } from "./not-loaded.ts";
import { readOptions } from "./options.ts";
import { offlineInput } from "./config-input.ts";
import { cut, type TerminalStyle, terminalStyle, plain } from "./terminal.ts";

const help = `Usage: clawgate doctor [options]

Checks the config, the state directory, the database, the port or the running gateway, the providers and the Claude Code
program, and tells you how to fix each problem. A running gateway is asked which config is active, what
overrides its file, and how the file differs now. The Claude Code program is started against a test API
on this machine, with temporary folders and a test key (about two seconds, nothing leaves the machine); of its login
only "claude auth status" is read. A jail (cli.jail) is checked from inside.
No request goes to a provider (clawgate providers test sends one); without a gateway a handshake checks each certificate.

Options:
  --quick         skip the slow checks: the behaviour of the Claude Code program, the pages of the database, certificates
  --json          the whole report as JSON
  --config FILE   config file, as for serve
  -h, --help      this text

The exit code is 1 if something required does not work; warnings do not count.
`;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "doctor", {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    config: { type: "string" },
  });
  if ("usage" in read) return read.usage;
  const { json: isJson, quick: isQuick, config } = read.values;
  const progress = progressOn(context.stderr, isJson);
  // Otherwise the processes and folders of the self-test would outlive a Ctrl-C.
  const stopper = new AbortController();
  const onSignal = (): void => stopper.abort();
  for (const signal of signals) process.once(signal, onSignal);
  let findings: readonly Finding[];
  try {
    progress.show("the running gateway");
    const input = offlineInput(context, config);
    const lookup = await askGateway(context, offlineEnvironment(input));
    const isAnswered = !("why" in lookup) && lookup.config !== null;
    const seen = await examine(examinationInput(isAnswered ? likeGateway(input, lookup) : input), {
      isQuick,
      isReadElsewhere: isAnswered && config === undefined,
      onProgress: progress.show,
      signal: stopper.signal,
    });
    const ofGateway = "why" in lookup ? await absentFindings(lookup, seen) : gatewayFindings(lookup, seen);
    // The running gateway may have loaded other providers than this terminal's variables would.
    const own = isAnswered
      ? [...withoutRepeated(seen.findings, lookup), ...gatewayProviderFindings(lookup)]
      : seen.findings;
    const ofClients = await connectionFindings(context, seen.environment, { isQuick, config });
    const ofInstallation = await installationFindings(seen.environment);
    findings = inOrder([...own, ...ofGateway, ...ofClients, ...ofInstallation]);
  } finally {
    progress.clear();
    for (const signal of signals) process.off(signal, onSignal);
  }
  if (stopper.signal.aborted) return exitCodes.failed;
  const isWell = findings.every(({ state }) => state !== "failed");
  const report = {
    version: fullVersion,
    platform: `${process.platform} ${process.arch}`,
    ok: isWell,
    findings,
  };
  context.stdout.write(
    isJson ? `${JSON.stringify(report, null, 2)}\n` : reportText(findings, terminalStyle(context)),
  );
  return isWell ? exitCodes.ok : exitCodes.failed;
}

/** The config of the running gateway, unless the user named another: searched for or named, as the gateway did it. */
function likeGateway(input: OfflineInput, lookup: GatewayLookup): OfflineInput {
  const there = "why" in lookup ? null : lookup.config;
  if (there?.path === undefined || there.path === null || input.argvConfigPath !== undefined) return input;
  return there.is_merely_found
    ? { ...input, workingDirectory: dirname(there.path) }
    : { ...input, argvConfigPath: there.path };
}

function withoutRepeated(findings: readonly Finding[], { config }: GatewayAnswers): readonly Finding[] {
  const isTold = config?.disk.state === "invalid";
  return findings.filter(
    ({ section, id }) => section !== "providers" && !(isTold && section === "config" && id === "problem"),
  );
}

/** One line that is overwritten repeatedly; nothing without a terminal. */
function progressOn(stderr: NodeJS.WriteStream, isJson: boolean) {
  const isShown = stderr.isTTY && !isJson;
  const clear = (): void => {
    if (isShown) stderr.write("\r\u001b[2K");
  };
  return {
    clear,
    show(what: string) {
      clear();
      if (isShown) stderr.write(cut(`checking: ${plain(what)} …`, Math.max(20, (stderr.columns || 80) - 1)));
    },
  };
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const order = Object.keys(sections) as readonly SectionId[];
  return order.flatMap((section) => findings.filter((each) => each.section === section));
}

function reportText(findings: readonly Finding[], style: TerminalStyle): string {
  const order = Object.keys(sections) as readonly SectionId[];
  const blocks = order.flatMap((section) => {
    const own = findings.filter((each) => each.section === section);
    return own.length === 0 ? [] : [`${style.bold(sections[section])}\n${linesOf(section, own, style)}`];
  });
  return `${blocks.join("\n")}\n${ending(findings, style)}\n`;
}

function linesOf(section: SectionId, findings: readonly Finding[], style: TerminalStyle): string {
  // Dozens of vendors without a key are summed up in one line.
  const isFolded = section === "providers";
  const shown = isFolded ? findings.filter(({ state }) => state !== "skipped") : findings;
  const folded = isFolded
    ? notLoadedLines(
        findings.flatMap(({ state, id, detail }) =>
          state === "skipped" ? [{ id, reason: detail ?? "" }] : [],
        ),
      )
    : [];
  const hint =
    isFolded && shown.some(({ state }) => state === "ok")
      ? [`        ${style.dim("clawgate providers test sends each one small real request")}\n`]
      : [];
  return [
    ...foldSkipped(shown).map((finding) => linesOfOne(finding, style)),
    ...folded.map((line) => `  ${style.dim("skip")}  ${style.dim(`not loaded: ${plain(line)}`)}\n`),
    ...hint,
  ].join("");
}

const fewestFolded = 3;

/** Many checks that were skipped for the same reason become one line. */
function foldSkipped(findings: readonly Finding[]): readonly Finding[] {
  const isSkippedLike = (one: Finding, other: Finding | undefined): boolean =>
    one.state === "skipped" && other?.state === "skipped" && one.detail === other.detail;
  return findings.flatMap((finding, at): readonly Finding[] => {
    const like = findings.filter((each) => isSkippedLike(finding, each));
    if (like.length < fewestFolded) return [finding];
    if (findings.findIndex((each) => isSkippedLike(finding, each)) < at) return [];
    return [{ ...finding, title: `${like.length} checks` }];
  });
}

function linesOfOne({ state, title, detail, advice }: Finding, style: TerminalStyle): string {
  const marks = {
    ok: style.green("ok  "),
    warning: style.yellow("warn"),
    failed: style.red("FAIL"),
    skipped: style.dim("skip"),
  };
  const words = plain(detail === null ? title : `${title}: ${detail}`);
  const more = advice === null ? "" : `        ${style.dim("->")} ${plain(advice)}\n`;
  return `  ${marks[state]}  ${state === "skipped" ? style.dim(words) : words}\n${more}`;
}

function ending(findings: readonly Finding[], style: TerminalStyle): string {
  const count = (state: Finding["state"]): number => findings.filter((each) => each.state === state).length;
  const failed = count("failed");
  const warnings = count("warning");
  const rest = warnings === 0 ? "" : `, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  return failed === 0
    ? style.green(`Everything required works${rest}.`)
    : style.red(`${failed} ${failed === 1 ? "check" : "checks"} failed${rest}.`);
}

export const doctor: Command = {
  name: "doctor",
  summary: "find problems, in Claude Code too",
  help,
  run,
};
