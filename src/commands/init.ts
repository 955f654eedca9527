// `clawgate init`: from what this machine has to a config that works, with a few questions or with --yes.
// It must never write before everything is answered, never show a key, and never replace a config unasked.

import { openOfflineTests } from "../app/offline/offline-provider-test.ts";
import { Failure } from "../canon/failure.ts";
import { ConfigProblem } from "../config/problems.ts";
import type { ProviderTest } from "../operator/provider-test.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { interrupted } from "./consent.ts";
import { type Dialogue, Left, openDialogue } from "./init/dialogue.ts";
import { writeExamples } from "./init/example-files.ts";
import {
  claudeId,
  claudeSignIn,
  demoId,
  findOpenClaw,
  findProviders,
  type Findings,
  type FoundProvider,
  type SignIn,
  withVariables,
} from "./init/findings.ts";
import { checkPlan, inputFor, type Plan, writePlan } from "./init/plan.ts";
import { askKeys, askPort, askProviders, askToKeep } from "./init/questions.ts";
import { installService, offerService, type Outcome, reportJson, showEnd, showFound } from "./init/report.ts";
import { type Place, placeFor } from "./new-config.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { testEach, testLines } from "./providers/test.ts";
import { plain, terminalStyle } from "./terminal.ts";

const help = `Usage: clawgate init [options]
       clawgate init --write-example [--force]

Looks for API keys in known variables, model servers on this machine, Claude Code and OpenClaw, asks a few questions, sends each
provider one small test request, and writes a config with comments where the start looks first: $CLAWGATE_CONFIG, else
./config.yaml (in a folder that others may write to: $XDG_CONFIG_HOME/clawgate/config.yaml). Keys that you type in go into
.env next to it, which only you can read. Nothing is written before the last question is answered; Ctrl-C leaves nothing.

Options:
  --yes            ask nothing and take what was found (needed without a terminal)
  --out FILE       write the config there
  --force          replace an existing config; the old one is kept as <file>.bak
  --no-test        send no test requests (they may cost a fraction of a cent)
  --write-example  only write .env.example and openclaw-integration.jsonc into the working directory
  --json           with --yes: what was found, tested and written, as JSON
  -h, --help       this text

The exit code is 0 when the config is written, even if a provider failed its test.
`;

type Options = {
  readonly out: string | undefined;
  readonly isTested: boolean;
  readonly isJson: boolean;
};

async function run(context: CommandContext, commands: readonly Command[]): Promise<number> {
  const read = readOptions(context, "init", {
    yes: { type: "boolean", default: false },
    out: { type: "string" },
    force: { type: "boolean", default: false },
    "no-test": { type: "boolean", default: false },
    "write-example": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const { yes: isSure, out, force: hasForce, json: isJson } = read.values;
  try {
    if (read.values["write-example"]) return await writeExamples(context, { hasForce, isJson });
    const hasTerminal = context.stdout.isTTY && process.stdin.isTTY;
    if (!isSure && (isJson || !hasTerminal))
      return refuseUsage(context, "init", "there is no terminal to ask; pass --yes to take what is found")
        .usage;
    const place = placeFor(context, { out, sources: [], refusal: null });
    if (place.exists && !hasForce) {
      context.stderr.write(
        `clawgate: ${plain(place.path)} exists already; --force replaces it and keeps the old one, ` +
          "--out FILE writes another file.\n",
      );
      return exitCodes.failed;
    }
    const options: Options = { out, isTested: !read.values["no-test"], isJson };
    if (isSure) return await withoutQuestions(context, commands, place, options);
    return await withQuestions(context, commands, place, options);
  } catch (thrown) {
    if (thrown instanceof Left) {
      context.stdout.write("\nNothing was written.\n");
      return interrupted;
    }
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    if (!(thrown instanceof Error)) throw thrown;
    context.stderr.write(`clawgate: ${plain(thrown.message)}\n`);
    return exitCodes.failed;
  }
}

async function look(context: CommandContext): Promise<{ findings: Findings; signIn: SignIn | null }> {
  const [{ providers, remarks }, instances] = await Promise.all([
    findProviders(context),
    findOpenClaw(context),
  ]);
  const signIn = providers.some(({ id }) => id === claudeId) ? await claudeSignIn(context) : null;
  return { findings: { providers, remarks, instances }, signIn };
}

async function withoutQuestions(
  context: CommandContext,
  commands: readonly Command[],
  place: Place,
  { isTested, isJson }: Options,
): Promise<number> {
  const { findings, signIn } = await look(context);
  if (!isJson) showFound(context, findings, signIn);
  const plan: Plan = { place, providers: findings.providers, port: 8090, variables: {} };
  await checkPlan(context, plan);
  const tests = isTested ? await test(context, plan, isJson) : [];
  const outcome: Outcome = { findings, signIn, plan, tests, written: await writePlan(plan) };
  if (isJson) context.stdout.write(reportJson(commands, outcome));
  else showEnd(context, commands, outcome);
  return exitCodes.ok;
}

async function withQuestions(
  context: CommandContext,
  commands: readonly Command[],
  place: Place,
  { isTested }: Options,
): Promise<number> {
  const { stdout } = context;
  stdout.write(
    "ClawGate looks at what this machine has. Enter takes the answer in brackets.\nCtrl-C leaves, and nothing is written.\n",
  );
  const { findings, signIn } = await look(context);
  showFound(context, findings, signIn);
  const dialogue = openDialogue(process.stdin, stdout);
  let outcome: Outcome;
  let isServiceWanted = false;
  try {
    const plan = await askPlan(context, dialogue, place, findings);
    await checkPlan(context, plan);
    const isReal = plan.providers.some(({ id }) => id !== demoId);
    const question = "Send each provider one small test request (a fraction of a cent)?";
    const tests =
      isTested && isReal && (await dialogue.confirm(question, true)) ? await test(context, plan, false) : [];
    const files =
      Object.keys(plan.variables).length === 0 ? place.path : `${place.path} and ${place.environmentPath}`;
    if (!(await dialogue.confirm(`Write ${plain(files)}?`, true))) throw new Left();
    outcome = { findings, signIn, plan, tests, written: await writePlan(plan) };
    isServiceWanted = await offerService(commands, dialogue);
  } finally {
    dialogue.close();
  }
  showEnd(context, commands, outcome);
  return isServiceWanted ? installService(context, commands, outcome.written) : exitCodes.ok;
}

async function askPlan(
  context: CommandContext,
  dialogue: Dialogue,
  place: Place,
  findings: Findings,
): Promise<Plan> {
  const { stdout } = context;
  const real = findings.providers.filter(({ id }) => id !== demoId);
  const typed = await askKeys(dialogue, stdout, real.length > 0);
  const { providers: found } =
    Object.keys(typed).length === 0 ? findings : await findProviders(withVariables(context, typed));
  const chosen = await askProviders(dialogue, found);
  const providers: readonly FoundProvider[] = chosen.length === 0 ? found : chosen;
  if (chosen.length === 0)
    stdout.write("A config without a provider answers nothing: all of them are used.\n");
  const kept = await askToKeep(dialogue, context, providers, typed);
  const port = await askPort(dialogue, stdout);
  return { place, providers, port, variables: { ...kept, ...typed } };
}

/** As `clawgate providers test`, with the config that is going to be written. */
async function test(context: CommandContext, plan: Plan, isJson: boolean): Promise<readonly ProviderTest[]> {
  const tests = await openOfflineTests(inputFor(context, plan));
  const style = terminalStyle(context);
  try {
    return await testEach({ test: (id) => tests.test(id, null) }, tests.ids, (result) => {
      if (!isJson) context.stdout.write(testLines(result, style));
    });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    context.stderr.write(`clawgate: ${plain(thrown.message)}\n`);
    return [];
  } finally {
    await tests.close();
  }
}

/** `table` is a function because the table contains this command. */
export function initCommand(table: () => readonly Command[]): Command {
  return {
    name: "init",
    summary: "look at this machine and write a config",
    help,
    run: (context) => run(context, table()),
  };
}
