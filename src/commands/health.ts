// `clawgate health`: the state of the running gateway and its providers, with an exit code for scripts and containers.

import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import { findGateway, GatewayProblem, memberOf, problemsOf } from "./running-gateway.ts";
import { terminalStyle, plain } from "./terminal.ts";
import { type Cell, textTable } from "./text-table.ts";

const help = `Usage: clawgate health [options]

Asks the running gateway for its health.
Exit code 0: ok or degraded (only some providers are unavailable, or something else does not work as configured, which is
shown). 1: down, or no gateway answers.

Options:
  --json          the answer of GET /health
${gatewayOptionsHelp}`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "health", gatewayOptions);
  if ("usage" in read) return read.usage;
  const asked = await healthOf(context, gatewayEnvironment(context, read.values));
  if ("why" in asked) {
    if (read.values.json)
      context.stdout.write(`${JSON.stringify({ status: "unreachable", why: asked.why }, null, 2)}\n`);
    else context.stderr.write(`clawgate: ${asked.why}.\n`);
    return exitCodes.failed;
  }
  const { body } = asked;
  if (read.values.json) context.stdout.write(`${JSON.stringify(body, null, 2)}\n`);
  else context.stdout.write(healthText(body, context));
  const status = memberOf(body, "status");
  return status === "ok" || status === "degraded" ? exitCodes.ok : exitCodes.failed;
}

/** `why` is a sentence without its full stop. */
async function healthOf(
  context: CommandContext,
  environment: ReturnType<typeof gatewayEnvironment>,
): Promise<{ readonly body: unknown } | { readonly why: string }> {
  const found = await findGateway(context, environment, true);
  if ("why" in found) return found;
  try {
    return { body: await found.askForBody({ method: "GET", path: "/health" }) };
  } catch (thrown) {
    if (!(thrown instanceof GatewayProblem)) throw thrown;
    return { why: thrown.message.replace(/\.$/, "") };
  }
}

function healthText(body: unknown, context: CommandContext): string {
  const style = terminalStyle(context);
  const text = (value: unknown): string => (typeof value === "string" ? plain(value) : "");
  const overall = text(memberOf(body, "status"));
  const paint = { ok: style.green, degraded: style.yellow }[overall] ?? style.red;
  const providers = Object.entries((memberOf(body, "providers") as object | undefined) ?? {});
  const rows = providers.map(([id, each]: [string, unknown]): Cell[] => {
    const isHealthy = memberOf(each, "healthy") === true;
    const words = isHealthy ? "healthy" : `not healthy (${whyOut(each)})`;
    return [
      { text: plain(id), paint: style.bold },
      { text: words, paint: isHealthy ? style.green : style.red },
      isHealthy ? "" : text(memberOf(each, "last_error")),
    ];
  });
  const columns = [{ title: "provider" }, { title: "state" }, { title: "last error", shrinks: true }];
  const table = rows.length === 0 ? "" : textTable(columns, rows, style);
  const problems = problemsOf(body).map((problem) => `${style.yellow("problem")}  ${plain(problem)}\n`);
  return `${paint(overall === "" ? "unknown" : overall)}\n${table}${problems.join("")}`;
}

/** In the words of `clawgate providers`. */
function whyOut(provider: unknown): string {
  const circuit = memberOf(provider, "circuit");
  const credential = memberOf(provider, "credential");
  const cooling = memberOf(provider, "cooling_models");
  if (circuit !== "closed" && typeof circuit === "string") return plain(circuit);
  if (typeof credential === "string" && credential !== "ok") return plain(credential);
  return Array.isArray(cooling) && cooling.length > 0 ? "cooling" : "out";
}

export const health: Command = {
  name: "health",
  summary: "show the health of the running gateway and its providers",
  help,
  run,
};
