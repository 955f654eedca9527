// The running gateway, found by run.json, and how a command calls it. The token is sent only after the address has answered as a
// gateway; it must never be printed.

import { holdsDirectory, lockHolder, localOwnerPid } from "../system/directory-lock.ts";
import type { Environment } from "../system/state-directory.ts";
import { readRunFile, stateDirectory, writeProblem } from "../system/state-directory.ts";
import { errorCode } from "../system/files.ts";
import { fullVersion, userAgent, version } from "../system/identity.ts";
import { isAlive } from "../system/process.ts";
import { type CommandContext, exitCodes } from "./command.ts";
import { plain } from "./terminal.ts";

export type Answer = { readonly status: number; readonly body: unknown };

export type Question = {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Additional headers; the token takes precedence. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
};

export type RunningGateway = {
  readonly url: string;
  readonly pid: number;
  readonly stateDirectory: string;
  /** ISO 8601; null: unknown. */
  readonly startedAt: string | null;
  readonly version: string;
  /** Throws GatewayProblem if there is no answer, or one that is not JSON. An error status is an answer. */
  ask(question: Question): Promise<Answer>;
  /** The body of a 2xx answer. Throws GatewayProblem with the gateway's own message for any other. */
  askForBody(question: Question): Promise<unknown>;
  /** The bytes of a 2xx answer as they come. Throws GatewayProblem, also where the connection breaks before the end. */
  stream(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
};

/** The message is for the person at the terminal. */
export class GatewayProblem extends Error {
  override readonly name = "GatewayProblem";
  readonly status: number | null;

  constructor(message: string, status: number | null = null) {
    super(message);
    this.status = status;
  }
}

/** `why` is a sentence without its full stop; `holder`: the process that owns the state directory nevertheless. */
export type Absent = { readonly why: string; readonly holder?: number | null };

const versionTimeoutMs = 2_000;
const usualMs = 10_000;

/** `environment` includes the `.env` files, as the gateway itself sees it. `isQuiet`: another version is not reported. */
export async function findGateway(
  context: Pick<CommandContext, "stderr">,
  environment: Environment,
  isQuiet = false,
): Promise<RunningGateway | Absent> {
  const directory = stateDirectory(environment);
  let run: Awaited<ReturnType<typeof readRunFile>>;
  try {
    run = await readRunFile(directory);
  } catch (thrown) {
    return {
      why: `the gateway's run.json in ${directory} cannot be read (${errorCode(thrown) ?? "unknown"})`,
    };
  }
  if (run === null) {
    const trouble = writeProblem(directory);
    const holder = lockHolder(directory);
    if (holder !== null)
      return {
        why: `process ${holder} owns the state directory ${directory}, but it contains no run.json: the gateway is starting or stopping, or could not write it`,
        holder,
      };
    const unwritten = trouble === null ? "" : `; ${trouble}, so a running gateway could not announce itself`;
    return { why: `no gateway is running (there is no run.json in ${directory}${unwritten})` };
  }
  // A gateway in a container has another process number here: then only its lock on the directory is visible.
  if (!isAlive(run.pid) && lockHolder(directory) === null)
    return { why: `no gateway is running (process ${run.pid}, which wrote run.json, is gone)` };
  const { url, token } = run;
  const pid = localOwnerPid(directory, run.pid);
  const running = await versionAt(url);
  if (running === null) {
    const why = `process ${pid} wrote run.json, but no gateway answers at ${url}`;
    return { why, holder: holdsDirectory(pid, directory) === true ? pid : null };
  }
  if (running !== version && !isQuiet)
    context.stderr.write(
      `clawgate: the running gateway is version ${plain(running)}, this program is ${fullVersion}. Restart the gateway to use one version.\n`,
    );
  const ask = (question: Question): Promise<Answer> => send(url, token, question);
  return {
    url,
    pid,
    stateDirectory: directory,
    startedAt: run.startedAt ?? null,
    version: running,
    ask,
    stream: (path, signal) => streamOf(url, token, path, signal),
    async askForBody(question) {
      const { status, body } = await ask(question);
      if (status >= 200 && status < 300) return body;
      throw new GatewayProblem(errorMessage(body) ?? `The gateway answered with status ${status}.`, status);
    },
  };
}

/** For commands that need a gateway: reports that none runs, and what to do. */
export function refuseAbsent(context: Pick<CommandContext, "stderr">, absent: Absent): number {
  context.stderr.write(
    `clawgate: ${absent.why}.\nStart one with "clawgate", or set CLAWGATE_STATE_DIR to the state directory of the gateway you mean.\n`,
  );
  return exitCodes.failed;
}

/** Prints a GatewayProblem and returns the exit code; rethrows anything else. */
export function refuseProblem(context: Pick<CommandContext, "stderr">, thrown: unknown): number {
  if (!(thrown instanceof GatewayProblem)) throw thrown;
  context.stderr.write(`clawgate: ${thrown.message}\n`);
  return exitCodes.failed;
}

/** The message of an error answer in any of our dialects. */
export function errorMessage(body: unknown): string | null {
  const error = memberOf(body, "error");
  const message = memberOf(error, "message") ?? memberOf(body, "message");
  if (typeof message !== "string") return null;
  // Several problems get a separate indented line each.
  const lines = message.split("\n");
  return lines.map((line) => (line.startsWith("  ") ? `  ${plain(line)}` : plain(line))).join("\n");
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** What does not work as configured, except providers; for an invalid config, also its errors. */
export function problemsOf(health: unknown): readonly string[] {
  const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const mistakes = listOf(memberOf(memberOf(health, "config"), "problems"));
  return listOf(memberOf(health, "problems")).flatMap((each) => {
    const message = memberOf(each, "message");
    const more = memberOf(each, "id") === "config" ? mistakes : [];
    return [message, ...more].filter((words) => typeof words === "string");
  });
}

/** The version of the gateway at this address; null if there is none. */
async function versionAt(url: string): Promise<string | null> {
  try {
    const answer = await fetch(`${url}/health`, {
      headers: { "user-agent": userAgent },
      signal: AbortSignal.timeout(versionTimeoutMs),
      redirect: "manual",
    });
    const found = memberOf(await answer.json(), "version");
    return typeof found === "string" ? found : null;
  } catch {
    // No answer, or another program's: the caller treats both alike.
    return null;
  }
}

async function* streamOf(
  url: string,
  token: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const broke = (): GatewayProblem => new GatewayProblem(`The connection to the gateway at ${url} broke.`);
  const answer = await fetch(url + path, {
    redirect: "manual",
    signal,
    headers: { "user-agent": userAgent, authorization: `Bearer ${token}` },
  }).catch(() => {
    throw broke();
  });
  if (!answer.ok) {
    const body = await answer.json().catch(() => null);
    throw new GatewayProblem(
      errorMessage(body) ?? `The gateway answered with status ${answer.status}.`,
      answer.status,
    );
  }
  if (answer.body === null) return;
  const reader = answer.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw broke();
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function send(url: string, token: string, question: Question): Promise<Answer> {
  const { method, path, body, headers, timeoutMs = usualMs } = question;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url + path, {
      method,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        "user-agent": userAgent,
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        authorization: `Bearer ${token}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await answer.text();
  } catch (thrown) {
    const isLate = thrown instanceof Error && thrown.name === "TimeoutError";
    throw new GatewayProblem(
      isLate
        ? `The gateway at ${url} did not answer within ${Math.round(timeoutMs / 1000)} s.`
        : `The connection to the gateway at ${url} broke.`,
    );
  }
  try {
    return { status: answer.status, body: JSON.parse(text) as unknown };
  } catch {
    throw new GatewayProblem(`The gateway's answer (status ${answer.status}) is not JSON.`, answer.status);
  }
}
