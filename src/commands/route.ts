// `clawgate route`: where a request would go, and why. Computed by the running gateway, or from the config if none runs.

import { isAbsolute, join } from "node:path";
import { explainOffline } from "../app/offline/offline-explanation.ts";
import type { RouteExplanation } from "../operator/route-explanation.ts";
import { offlineEnvironment } from "../app/offline/offline-config.ts";
import { Failure } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import { ConfigProblem } from "../config/problems.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { explanationText } from "./explanation-text.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { findGateway, GatewayProblem, refuseProblem } from "./running-gateway.ts";
import { type SampleEndpoint, sampleEndpoints, sampleRequest } from "./sample-request.ts";
import { offlineInput, readFile } from "./config-input.ts";
import { terminalStyle, plain } from "./terminal.ts";

const help = `Usage: clawgate route "text" [options]
       clawgate route --file request.json [options]

Shows where a request would go, and why: provider, model, layer, rule, confidence, and the fate of every candidate
(-> chosen, + would be tried next, x dropped). No provider is called. The running gateway answers, with its health,
cooldowns and budgets; if none runs, the config alone is used.

Options:
  --model M        the model that the client requests (default auto)
  --tools          with a tool
  --images         with an image
  --tenant NAME    as this tenant: with its models, provider, limits and budgets
  --header K=V     with this request header; can be repeated
  --file FILE      a whole request body (JSON) instead of the text
  --door DOOR      chat, messages, responses or gemini: the format of the request (default: chat; that of a file is
                   detected)
  --json           the whole explanation as JSON
  --config FILE    config file, as for serve (used when no gateway runs)
  -h, --help       this text
`;

type Question = {
  readonly body: unknown;
  readonly endpoint: SampleEndpoint | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly tenant: string | null;
};

/** Headers of the connection or of the command itself. */
const ownHeaders = new Set([
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "origin",
  "transfer-encoding",
  "x-api-key",
]);

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "route",
    {
      model: { type: "string" },
      tools: { type: "boolean", default: false },
      images: { type: "boolean", default: false },
      tenant: { type: "string" },
      header: { type: "string", multiple: true, default: [] },
      file: { type: "string" },
      door: { type: "string" },
      json: { type: "boolean", default: false },
      config: { type: "string" },
    },
    Number.POSITIVE_INFINITY,
  );
  if ("usage" in read) return read.usage;
  const question = questionOf(context, read.values, read.positionals.join(" "));
  if (typeof question === "string") return refuseUsage(context, "route", question).usage;
  try {
    const { explanation, from } = await explain(context, question, read.values.config);
    if (from !== null) context.stderr.write(`clawgate: ${from}.\n`);
    context.stdout.write(
      read.values.json
        ? `${JSON.stringify(explanation, null, 2)}\n`
        : explanationText(explanation, terminalStyle(context)),
    );
    return exitCodes.ok;
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    const problem = thrown instanceof Failure ? new GatewayProblem(plain(thrown.message)) : thrown;
    if (read.values.json && problem instanceof GatewayProblem)
      context.stdout.write(`${JSON.stringify({ error: { message: problem.message } }, null, 2)}\n`);
    return refuseProblem(context, problem);
  }
}

type Values = {
  readonly model?: string | undefined;
  readonly tools: boolean;
  readonly images: boolean;
  readonly tenant?: string | undefined;
  readonly header: readonly string[];
  readonly file?: string | undefined;
  readonly door?: string | undefined;
};

/** A string describes what is wrong with the options. */
function questionOf(context: CommandContext, values: Values, text: string): Question | string {
  const { file, model, door, tenant = null } = values;
  if (door !== undefined && !isEndpoint(door)) {
    const near = nearest(door, sampleEndpoints);
    return `--door ${door} is not one of ${sampleEndpoints.join(", ")}${near === null ? "" : `; did you mean ${near}?`}`;
  }
  const headers = headersOf(values.header);
  if (typeof headers === "string") return headers;
  if (file === undefined) {
    if (text === "") return 'it needs the text of a message, such as "What time is it?", or --file';
    const body = sampleRequest(door ?? "chat", {
      text,
      model: model ?? "auto",
      hasTools: values.tools,
      hasImages: values.images,
    });
    return { body, endpoint: door ?? "chat", headers, tenant };
  }
  if (text !== "") return "either the text of a message or --file, not both";
  if (values.tools || values.images)
    return "--tools and --images exclude --file: the file already contains them";
  const body = bodyOfFile(isAbsolute(file) ? file : join(context.workingDirectory, file));
  if (typeof body === "string") return body;
  return { body: model === undefined ? body : { ...body, model }, endpoint: door ?? null, headers, tenant };
}

function bodyOfFile(path: string): object | string {
  let text: string | null;
  try {
    text = readFile(path);
  } catch (thrown) {
    return `${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
  if (text === null) return `there is no file ${path}`;
  let body: unknown;
  try {
    body = JSON.parse(text) as unknown;
  } catch (thrown) {
    return `${path} is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  return `${path} does not contain a JSON object`;
}

function headersOf(pairs: readonly string[]): Record<string, string> | string {
  const headers: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, at)).trim().toLowerCase();
    const value = pair.slice(at + 1);
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return `--header ${pair}: write it as name=value`;
    if (ownHeaders.has(name) || name.startsWith("x-forwarded-")) return `--header ${name} cannot be set here`;
    if (!/^[\t\x20-\x7e]*$/.test(value)) return `--header ${name}: its value is not printable ASCII`;
    headers[name] = value;
  }
  return headers;
}

const isEndpoint = (name: string): name is SampleEndpoint => sampleEndpoints.some((each) => each === name);

/** `from`: the source of the explanation when no gateway gave it. */
async function explain(
  context: CommandContext,
  { body, endpoint, headers, tenant }: Question,
  config: string | undefined,
): Promise<{ readonly explanation: RouteExplanation; readonly from: string | null }> {
  const input = offlineInput(context, config);
  const found = await findGateway(context, offlineEnvironment(input));
  if (!("why" in found)) {
    const query = new URLSearchParams({
      ...(endpoint === null ? {} : { door: endpoint }),
      ...(tenant === null ? {} : { tenant }),
    }).toString();
    const path = `/api/route${query === "" ? "" : `?${query}`}`;
    const answer = await found.askForBody({ method: "POST", path, body, headers });
    return { explanation: answer as RouteExplanation, from: null };
  }
  const { explanation, configPath } = await explainOffline(input, body, {
    endpointName: endpoint,
    headers: new Headers(headers),
    tenant,
  });
  const source = configPath === null ? "what was found on this machine" : configPath;
  return {
    explanation,
    from: `${found.why}; computed from ${source}, assuming that every provider is healthy`,
  };
}

export const route: Command = { name: "route", summary: "show where a request would go, and why", help, run };
