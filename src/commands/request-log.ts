// `clawgate request-log`: what the running gateway keeps of one request's texts, how much it keeps at all, and the deletion of it.

import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { megabytes } from "../system/free-space.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { findGateway, memberOf, refuseAbsent, refuseProblem } from "./running-gateway.ts";
import { plain } from "./terminal.ts";

const help = `Usage: clawgate request-log [options] [<request id>]

Shows what was sent and answered in one request, if the config keeps its texts (request_log). Without an id: whose texts
are kept, how many and where. With --delete the texts of a tenant are deleted and overwritten in the file.

Options:
  --delete        delete the texts of --tenant
  --tenant NAME   with --delete: a tenant's name, or "*" for everybody
  --json          the answer as JSON
${gatewayOptionsHelp}`;

/** Deleting gigabytes takes its time. */
const deleteMs = 600_000;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "request-log",
    {
      ...gatewayOptions,
      delete: { type: "boolean", default: false },
      tenant: { type: "string" },
    },
    1,
  );
  if ("usage" in read) return read.usage;
  const { delete: deletes, tenant, json } = read.values;
  const [id] = read.positionals;
  if (deletes !== (tenant !== undefined) || (deletes && id !== undefined))
    return refuseUsage(context, "request-log", "--delete and --tenant belong together, without an id").usage;
  const found = await findGateway(context, gatewayEnvironment(context, read.values));
  if ("why" in found) return refuseAbsent(context, found);
  const question =
    tenant !== undefined
      ? ({
          method: "DELETE",
          path: `/api/request-log?tenant=${encodeURIComponent(tenant)}`,
          timeoutMs: deleteMs,
        } as const)
      : ({
          method: "GET",
          path: `/api/request-log${id === undefined ? "" : `/${encodeURIComponent(id)}`}`,
        } as const);
  try {
    const answer = await found.askForBody(question);
    if (json) context.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    else if (tenant !== undefined)
      context.stdout.write(`The texts of ${counted(memberOf(answer, "deleted"))} were deleted.\n`);
    else context.stdout.write(id === undefined ? statusText(answer) : requestText(answer));
    return exitCodes.ok;
  } catch (thrown) {
    return refuseProblem(context, thrown);
  }
}

function statusText(status: unknown): string {
  const of = (name: string): unknown => memberOf(status, name);
  const tenants = Array.isArray(of("tenants"))
    ? (of("tenants") as unknown[]).map((each) => plain(String(each)))
    : [];
  const whose = tenants.length === 0 ? "nobody" : tenants.includes("*") ? "everybody" : tenants.join(", ");
  const bytes = of("bytes");
  return [
    of("enabled") === true ? `On, for ${whose}.` : "Off.",
    `${counted(of("entries"))}, ${sizeText(typeof bytes === "number" ? bytes : 0)}, in ${plain(String(of("path")))}`,
    ...(of("dropped") === 0
      ? []
      : [`${String(of("dropped"))} could not be written in time and were dropped.`]),
    "",
  ].join("\n");
}

const counted = (count: unknown): string => `${String(count)} ${count === 1 ? "request" : "requests"}`;

const sizeText = (bytes: number): string =>
  bytes < 1_048_576 ? `${Math.ceil(bytes / 1_024)} KB` : `${megabytes(bytes)} MB`;

function requestText(request: unknown): string {
  const of = (name: string): string => plain(String(memberOf(request, name) ?? "-"));
  const at = memberOf(request, "at_ms");
  const time = typeof at === "number" ? new Date(at).toISOString() : "-";
  return [
    `${of("id")}  ${time}  tenant ${of("tenant")}  ${of("provider")}/${of("model")}  ${of("status")}${memberOf(request, "failure") === null ? "" : ` ${of("failure")}`}`,
    ...sideText("request", memberOf(request, "request"), memberOf(request, "request_cut")),
    ...sideText("response", memberOf(request, "response"), memberOf(request, "response_cut")),
    "",
  ].join("\n");
}

function sideText(title: string, messages: unknown, isCut: unknown): string[] {
  const listed: readonly unknown[] = Array.isArray(messages) ? messages : [];
  return [
    "",
    `--- ${title}${isCut === true ? " (cut)" : ""}`,
    ...listed.map((each) => {
      const lines = String(memberOf(each, "text") ?? "").split("\n");
      return `${plain(String(memberOf(each, "role")))}: ${lines.map(plain).join("\n  ")}`;
    }),
  ];
}

export const requestLog: Command = {
  name: "request-log",
  summary: "texts of requests that are kept, and their deletion",
  help,
  run,
};
