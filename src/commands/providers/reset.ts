// `clawgate providers reset <id>`: the operator declares a provider healthy again.

import { offlineEnvironment } from "../../app/offline/offline-config.ts";
import type { ProviderReport } from "../../operator/reports/provider-report.ts";
import { nearest } from "../../canon/nearest.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions, refuseUsage } from "../options.ts";
import {
  findGateway,
  GatewayProblem,
  refuseAbsent,
  refuseProblem,
  type RunningGateway,
} from "../running-gateway.ts";
import { offlineInput } from "../config-input.ts";
import { plain } from "../terminal.ts";

const help = `Usage: clawgate providers reset <id> [options]

Clears a provider's failures in the running gateway: its circuit closes and its cooldowns end, so that
the next request may go there immediately.

Options:
  --json          the result as JSON
  --config FILE   config file, as for serve (only to find its .env)
  -h, --help      this text
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "providers reset",
    { json: { type: "boolean", default: false }, config: { type: "string" } },
    1,
  );
  if ("usage" in read) return read.usage;
  const [id] = read.positionals;
  if (id === undefined) return refuseUsage(context, "providers reset", "it needs a provider's id").usage;
  const found = await findGateway(context, offlineEnvironment(offlineInput(context, read.values.config)));
  if ("why" in found) return refuseAbsent(context, found);
  try {
    await found.askForBody({ method: "POST", path: `/api/providers/${encodeURIComponent(id)}/reset` });
  } catch (thrown) {
    const problem =
      thrown instanceof GatewayProblem && thrown.status === 404 ? await unknown(found, id) : thrown;
    return refuseProblem(context, problem);
  }
  context.stdout.write(
    read.values.json
      ? `${JSON.stringify({ ok: true, provider: id })}\n`
      : `${plain(id)} was reset: the next request may go there.\n`,
  );
  return exitCodes.ok;
}

/** The same refusal, with the nearest name. */
async function unknown(gateway: RunningGateway, id: string): Promise<GatewayProblem> {
  const report = (await gateway.askForBody({ method: "GET", path: "/api/providers" })) as ProviderReport;
  const skipped = report.skipped.find((each) => each.id === id);
  if (skipped !== undefined)
    return new GatewayProblem(
      `The provider "${plain(id)}" is configured but not loaded: ${plain(skipped.reason)}.`,
    );
  const near = nearest(
    id,
    report.providers.map((each) => each.id),
  );
  return new GatewayProblem(
    `There is no provider "${plain(id)}".${near === null ? ' "clawgate providers" lists the providers.' : ` Did you mean "${near}"?`}`,
  );
}

export const reset: Command = { name: "reset", summary: "forget a provider's failures", help, run };
