// `clawgate dashboard`: the address of the running gateway's page and a one-time code to sign in there. The code is typed by a person:
// it must never be part of an address, which ends up in histories and logs.

import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptions, gatewayOptionsHelp } from "./gateway-options.ts";
import { readOptions } from "./options.ts";
import { findGateway, GatewayProblem, memberOf, refuseAbsent, refuseProblem } from "./running-gateway.ts";
import { plain } from "./terminal.ts";

const help = `Usage: clawgate dashboard [options]

Prints the address of the dashboard and a one-time code. Who types the code there is signed in for 12 hours and may change
things; without it the page only reads. The code holds for two minutes and once.

Options:
  --json          address and code as JSON
${gatewayOptionsHelp}`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "dashboard", gatewayOptions);
  if ("usage" in read) return read.usage;
  const found = await findGateway(context, gatewayEnvironment(context, read.values));
  if ("why" in found) return refuseAbsent(context, found);
  try {
    const body = await found.askForBody({ method: "POST", path: "/api/session/code" });
    const [code, expiresMs] = [memberOf(body, "code"), memberOf(body, "expires_ms")];
    if (typeof code !== "string" || typeof expiresMs !== "number")
      throw new GatewayProblem("The gateway's answer contains no code.");
    const url = `${found.url}/dashboard`;
    context.stdout.write(
      read.values.json
        ? `${JSON.stringify({ url, code, expires_ms: expiresMs }, null, 2)}\n`
        : `Dashboard:  ${plain(url)}\nCode:       ${plain(code)}   (type it there within two minutes; it holds once)\n`,
    );
    return exitCodes.ok;
  } catch (thrown) {
    return refuseProblem(context, thrown);
  }
}

export const dashboard: Command = {
  name: "dashboard",
  summary: "print the dashboard's address and a code to sign in",
  help,
  run,
};
