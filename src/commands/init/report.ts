// What `init` says: what it found, what it wrote, and what to do next. It must never contain a key.

import type { ProviderTest } from "../../operator/provider-test.ts";
import type { Command, CommandContext } from "../command.ts";
import { optionsIn } from "../completion/option-list.ts";
import { findCommand } from "../find-command.ts";
import { plain, shellWord, terminalStyle } from "../terminal.ts";
import type { Dialogue } from "./dialogue.ts";
import { claudeId, demoId, type Findings, type SignIn } from "./findings.ts";
import type { Plan, Written } from "./plan.ts";

const serviceWords = ["service", "install"] as const;

export type Outcome = {
  readonly findings: Findings;
  readonly signIn: SignIn | null;
  readonly plan: Plan;
  readonly tests: readonly ProviderTest[];
  readonly written: Written;
};

export function showFound(context: CommandContext, findings: Findings, signIn: SignIn | null): void {
  const style = terminalStyle(context);
  const real = findings.providers.filter(({ id }) => id !== demoId);
  const lines = [
    ...real.map(({ id, name, detail }) => [
      name,
      id === claudeId && signIn !== null ? `${detail}, ${signIn.words}` : detail,
    ]),
    ...findings.instances.map(({ name, isRunning }) => [
      "OpenClaw",
      `${name}, ${isRunning ? "running" : "not running"}`,
    ]),
  ].map(([name = "", detail = ""]) => `  ${style.bold(plain(name).padEnd(16))}  ${plain(detail)}\n`);
  const none = "  No API key in a known variable, no local model server, no Claude Code.\n";
  context.stdout.write(`\nFound:\n${real.length === 0 ? none : ""}${lines.join("")}`);
  for (const remark of findings.remarks) context.stdout.write(`  ${style.yellow("not used:")} ${remark}\n`);
}

/** `findCommand` is content with a group that has no such command; this is not. */
function has(commands: readonly Command[], words: readonly string[]): boolean {
  const found = findCommand(commands, words);
  return "command" in found && found.command.name === words.at(-1);
}

/** What to type next, and what for. */
function nextSteps(
  commands: readonly Command[],
  { findings, plan, written }: Outcome,
): readonly (readonly [string, string])[] {
  const quoted = shellWord(written.config);
  const isNamed = plan.place.isNamed;
  const steps: (readonly [string, string])[] = [
    [isNamed ? `clawgate --config ${quoted}` : "clawgate", "start it in this folder"],
  ];
  // A service starts in a folder of its own.
  if (has(commands, serviceWords))
    steps.push([`clawgate service install --config ${quoted}`, "start it with the machine"]);
  if (has(commands, ["connect"])) steps.push(["clawgate connect", "point your clients at it"]);
  if (findings.instances.length > 0) steps.push(["clawgate setup", "connect OpenClaw"]);
  steps.push(["clawgate doctor", "see whether everything works"]);
  return steps;
}

const curlOf = (port: number): string =>
  `curl http://127.0.0.1:${port}/v1/chat/completions \\\n` +
  `    -H "Content-Type: application/json" \\\n` +
  `    -d '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}'`;

export function showEnd(context: CommandContext, commands: readonly Command[], outcome: Outcome): void {
  const { stdout } = context;
  const { plan, tests, written } = outcome;
  const style = terminalStyle(context);
  const lines = [`\n${style.green("Written:")} ${plain(written.config)}\n`];
  if (written.kept !== null) lines.push(`         the old one is ${plain(written.kept)}\n`);
  if (written.environment !== null)
    lines.push(`         the keys are in ${plain(written.environment)}, which only you can read\n`);
  if (plan.place.why !== null) lines.push(`         not in this folder: ${plain(plan.place.why)}\n`);
  if (plan.providers.every(({ id }) => id === demoId))
    lines.push(
      "\nNo provider was found, so only the built-in demonstration answers. Set a key such as OPENAI_API_KEY\n" +
        "or start a model server such as Ollama, and run clawgate init --force again.\n",
    );
  const failed = tests.filter(({ ok }) => !ok).map(({ provider }) => plain(provider));
  if (failed.length > 0)
    lines.push(`\nDid not answer: ${failed.join(", ")}. clawgate providers test asks again.\n`);
  const steps = nextSteps(commands, outcome);
  const width = Math.max(...steps.map(([words]) => words.length)) + 2;
  lines.push("\nNext:\n", ...steps.map(([words, why]) => `  ${style.bold(words.padEnd(width))}${why}\n`));
  lines.push(`\nAnd, while it runs:\n  ${curlOf(plan.port)}\n`);
  stdout.write(lines.join(""));
}

export function reportJson(commands: readonly Command[], outcome: Outcome): string {
  const { findings, signIn, plan, tests, written } = outcome;
  const report = {
    config: written.config,
    kept: written.kept,
    env: written.environment,
    providers: plan.providers.map(({ id, name, detail, keyVariable }) => ({
      id,
      name,
      found: detail,
      key_variable: keyVariable,
    })),
    claude_code: signIn === null ? null : { signed_in: signIn.isIn, detail: signIn.words },
    openclaw: findings.instances.map(({ name, isRunning }) => ({ name, running: isRunning })),
    not_used: findings.remarks,
    tests,
    next: nextSteps(commands, outcome).map(([words]) => words),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Asks only where the command exists. */
export async function offerService(commands: readonly Command[], dialogue: Dialogue): Promise<boolean> {
  if (!has(commands, serviceWords)) return false;
  return dialogue.confirm("Start ClawGate with this machine, as a service of yours?", false);
}

export function installService(
  context: CommandContext,
  commands: readonly Command[],
  { config }: Written,
): Promise<number> {
  const found = findCommand(commands, serviceWords);
  if ("unknown" in found) throw new Error("The command service install is gone.");
  const takesConfig = optionsIn(found.command.help).some(({ name }) => name === "config");
  return found.command.run({ ...context, args: takesConfig ? ["--config", config] : [] });
}
