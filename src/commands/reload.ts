// `clawgate reload`: the running gateway reads its config again; an invalid one changes nothing and is reported.

import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import { findGateway, memberOf, refuseAbsent, refuseProblem, errorMessage } from "./running-gateway.ts";
import { plain } from "./terminal.ts";

const help = `Usage: clawgate reload [options]

Makes the running gateway read its config file again. Running requests keep the config that they started with; an invalid
config changes nothing, and its errors are printed with file and line (exit code 1).

Options:
  --json          the report as JSON
${gatewayOptionsHelp}`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "reload", gatewayOptions);
  if ("usage" in read) return read.usage;
  const found = await findGateway(context, gatewayEnvironment(context, read.values));
  if ("why" in found) return refuseAbsent(context, found);
  try {
    const { status, body } = await found.ask({ method: "POST", path: "/api/reload", timeoutMs: 30_000 });
    const isDone = status >= 200 && status < 300;
    if (read.values.json) context.stdout.write(`${JSON.stringify(body, null, 2)}\n`);
    else if (isDone) context.stdout.write(reportText(body));
    if (isDone) return exitCodes.ok;
    const why = errorMessage(body) ?? `The gateway answered with status ${status}.`;
    const isInvalid = memberOf(memberOf(body, "error"), "code") === "config_invalid";
    const after = isInvalid ? "The gateway keeps its current config.\n" : "";
    context.stderr.write(`clawgate: ${why}\n${after}`);
    return exitCodes.failed;
  } catch (thrown) {
    return refuseProblem(context, thrown);
  }
}

function reportText(report: unknown): string {
  const changed = memberOf(report, "changed");
  const changes = [
    ...providerChanges(memberOf(changed, "providers")),
    ...textsOf(memberOf(changed, "sections")),
  ];
  const restart = textsOf(memberOf(report, "needs_restart"));
  return [
    changes.length === 0
      ? "The config was read again: nothing has changed since the last time (a changed file is read automatically)."
      : `The config was read again and is active. Changed: ${changes.join(", ")}.`,
    ...(restart.length === 0 ? [] : [`These take effect only after a restart: ${restart.join(", ")}.`]),
    ...textsOf(memberOf(report, "notices")).map((notice) => `note: ${notice}`),
    "",
  ].join("\n");
}

function providerChanges(providers: unknown): string[] {
  return ["added", "removed", "changed"].flatMap((how) =>
    textsOf(memberOf(providers, how)).map((id) =>
      how === "changed" ? `provider ${id}` : `provider ${id} ${how}`,
    ),
  );
}

function textsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => (typeof each === "string" ? [plain(each)] : []));
}

export const reload: Command = { name: "reload", summary: "read the config again", help, run };
