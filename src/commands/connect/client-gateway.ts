// The gateway that a client is to be connected to: its address, whether it asks for keys, and its models.

import { dirname } from "node:path";
import { loadOffline, offlineEnvironment, type OfflineInput } from "../../app/offline/offline-config.ts";
import { chatNames } from "../../app/offline/chat-names.ts";
import { asksForKeys } from "../../config/client-keys.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { OfferedModel } from "../../connect/client.ts";
import { reachableOrigin } from "../../system/http-origin.ts";
import { findOnPath } from "../../system/process.ts";
import { type Environment, openStateDirectory, stateDirectory } from "../../system/state-directory.ts";
import type { CommandContext } from "../command.ts";
import { offlineInput } from "../config-input.ts";
import {
  errorMessage,
  findGateway,
  GatewayProblem,
  memberOf,
  type RunningGateway,
} from "../running-gateway.ts";

export type ClientGateway = {
  readonly url: string;
  readonly running: RunningGateway | null;
  /** Why none is running; null: one is. */
  readonly absent: string | null;
  readonly asksForKeys: boolean;
  readonly loaded: LoadedConfig;
  readonly input: OfflineInput;
  readonly environment: Environment;
};

type Values = { readonly config?: string | undefined; readonly "state-dir"?: string | undefined };

/** The environment that names the state directory. */
export function clientEnvironment(context: CommandContext, values: Values): Environment {
  const named = values["state-dir"];
  const own =
    named === undefined ? context.environment : { ...context.environment, CLAWGATE_STATE_DIR: named };
  return offlineEnvironment(offlineInput({ ...context, environment: own }, values.config));
}

/** Throws GatewayProblem and ConfigProblem. */
export async function clientGateway(context: CommandContext, values: Values): Promise<ClientGateway> {
  const environment = clientEnvironment(context, values);
  const found = await findGateway(context, environment, true);
  const named = values["state-dir"];
  const variables =
    named === undefined ? context.environment : { ...context.environment, CLAWGATE_STATE_DIR: named };
  const plain = offlineInput({ ...context, environment: variables }, values.config);
  if ("why" in found) {
    const loaded = await loadOffline(plain);
    const { host, port } = loaded.config.server;
    if (port === 0)
      throw new GatewayProblem(
        `server.port is 0, so only a running gateway knows its port, and ${found.why}. Start it, or set a fixed port.`,
      );
    const keyed = asksForKeys(loaded.config);
    const url = reachableOrigin(host, port);
    return { url, running: null, absent: found.why, asksForKeys: keyed, loaded, input: plain, environment };
  }
  const input = await inputOf(plain, found);
  const loaded = await loadOffline(input);
  const keyed = (await modelsAt(found.url, null)).status === 401;
  return { url: found.url, running: found, absent: null, asksForKeys: keyed, loaded, input, environment };
}

/** The config that the running gateway has read, unless the user names one. */
async function inputOf(input: OfflineInput, running: RunningGateway): Promise<OfflineInput> {
  if (input.argvConfigPath !== undefined) return input;
  const { status, body } = await running.ask({ method: "GET", path: "/api/config" });
  const path = status === 200 ? memberOf(body, "path") : null;
  if (typeof path !== "string") return input;
  return memberOf(body, "is_merely_found") === true
    ? { ...input, workingDirectory: dirname(path) }
    : { ...input, argvConfigPath: path };
}

const askTimeoutMs = 10_000;

export type ModelsAnswer = {
  readonly status: number;
  readonly models: readonly OfferedModel[];
  readonly message: string | null;
};

/** What `GET /v1/models` answers to a client with this key. Throws GatewayProblem if nothing answers. */
export async function modelsAt(url: string, key: string | null): Promise<ModelsAnswer> {
  let body: unknown;
  let status: number;
  try {
    const answer = await fetch(`${url}/v1/models`, {
      redirect: "manual",
      signal: AbortSignal.timeout(askTimeoutMs),
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
    status = answer.status;
    body = await answer.json();
  } catch {
    throw new GatewayProblem(`The gateway at ${url} did not answer a request for its models.`);
  }
  const list: unknown = memberOf(body, "data");
  const models = (Array.isArray(list) ? list : []).flatMap((each: unknown): OfferedModel[] => {
    const id = memberOf(each, "id");
    // Only what does something else than chat has a type.
    if (typeof id !== "string" || typeof memberOf(each, "type") === "string") return [];
    const [contextTokens, outputTokens] = ["context_length", "max_output_tokens"].map((name) => {
      const size = memberOf(each, name);
      return typeof size === "number" ? size : null;
    });
    return [{ id, name: id, contextTokens: contextTokens ?? null, outputTokens: outputTokens ?? null }];
  });
  return { status, models, message: errorMessage(body) };
}

/** Without an answer of the gateway: the names that its config knows. */
export const configuredModels = ({ config }: LoadedConfig): readonly OfferedModel[] =>
  chatNames(config).map((id) => ({ id, name: id, contextTokens: null, outputTokens: null }));

/** Anthropic's API answers and bills by key: an hour of cache is then the client's to ask for. */
export const isBilledByKey = ({ config }: LoadedConfig): boolean =>
  Object.values(config.providers).some(
    ({ backend, auth, base_url }) =>
      backend === "anthropic" &&
      auth === "api_key" &&
      base_url !== null &&
      new URL(base_url).hostname === "api.anthropic.com",
  );

/** How a shell starts this program with the same state directory. */
export function ownCommand(context: CommandContext, values: Values): string {
  const isOnPath = findOnPath("clawgate", context.environment["PATH"]) !== null;
  const program = isOnPath ? "clawgate" : quoted(process.execPath);
  const isOwn = values["state-dir"] !== undefined || Boolean(context.environment["CLAWGATE_STATE_DIR"]);
  const directory = stateDirectory(clientEnvironment(context, values));
  return isOwn ? `CLAWGATE_STATE_DIR=${quoted(directory)} ${program}` : program;
}

const quoted = (text: string): string =>
  /^[A-Za-z0-9_./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** For the list of connections. Throws an Error that says why it cannot be used. */
export const connectionsFolder = (environment: Environment): Promise<string> =>
  openStateDirectory(environment);
