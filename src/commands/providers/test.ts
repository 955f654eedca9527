// `clawgate providers test`: one small real request to a provider, sent by the running gateway or, if none runs, by this command
// with the same config.

import { offlineEnvironment } from "../../app/offline/offline-config.ts";
import type { ProviderReport } from "../../operator/reports/provider-report.ts";
import type { ProviderTest } from "../../operator/provider-test.ts";
import { openOfflineTests } from "../../app/offline/offline-provider-test.ts";
import { Failure } from "../../canon/failure.ts";
import { ConfigProblem } from "../../config/problems.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions, refuseUsage } from "../options.ts";
import {
  type Absent,
  findGateway,
  GatewayProblem,
  refuseProblem,
  type RunningGateway,
} from "../running-gateway.ts";
import { offlineInput } from "../config-input.ts";
import { shownMilliseconds, shownUsd } from "../quantities.ts";
import { type TerminalStyle, terminalStyle, plain } from "../terminal.ts";

const help = `Usage: clawgate providers test [id] [options]

Sends one small real request ("Reply with the word OK.", at most 16 tokens) to the provider, or to each provider of the
gateway, and shows the result: model, latency, tokens, cost, or the error and what to do about it. No other provider
is tried instead. It may cost a fraction of a cent. With a running gateway the request is recorded like any other
(tag provider-test); without one it is sent from here.

Options:
  --model M       another model than the provider's own (with an id)
  --json          the results as JSON
  --config FILE   config file, as for serve (used when no gateway runs)
  -h, --help      this text

The exit code is 1 if a provider failed.
`;

/** Longer than the test's own deadline plus a full queue before it. */
const answerMs = 45_000;

type Tests = {
  readonly ids: readonly string[];
  test(id: string): Promise<ProviderTest>;
  close(): Promise<void>;
};

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "providers test",
    { model: { type: "string" }, json: { type: "boolean", default: false }, config: { type: "string" } },
    1,
  );
  if ("usage" in read) return read.usage;
  const [id] = read.positionals;
  const { model = null, json: isJson, config } = read.values;
  if (model !== null && id === undefined)
    return refuseUsage(context, "providers test", "--model needs a provider's id").usage;
  const input = offlineInput(context, config);
  const found = await findGateway(context, offlineEnvironment(input));
  try {
    const tests =
      "why" in found ? await offlineTests(context, found, input, model) : await liveTests(found, model);
    try {
      return await show(context, tests, id === undefined ? tests.ids : [id], isJson);
    } finally {
      await tests.close();
    }
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    if (thrown instanceof Failure) return refuseProblem(context, new GatewayProblem(plain(thrown.message)));
    return refuseProblem(context, thrown);
  }
}

async function liveTests(gateway: RunningGateway, model: string | null): Promise<Tests> {
  const report = (await gateway.askForBody({ method: "GET", path: "/api/providers" })) as ProviderReport;
  const query = model === null ? "" : `?model=${encodeURIComponent(model)}`;
  return {
    ids: report.providers.map(({ id }) => id),
    test: async (id) =>
      (await gateway.askForBody({
        method: "POST",
        path: `/api/providers/${encodeURIComponent(id)}/test${query}`,
        timeoutMs: answerMs,
      })) as ProviderTest,
    close: () => Promise.resolve(),
  };
}

async function offlineTests(
  context: CommandContext,
  absent: Absent,
  input: ReturnType<typeof offlineInput>,
  model: string | null,
): Promise<Tests> {
  const tests = await openOfflineTests(input);
  context.stderr.write(`clawgate: ${absent.why}; testing from here, with the config's own keys.\n`);
  return { ids: tests.ids, test: (id) => tests.test(id, model), close: tests.close };
}

async function show(
  context: CommandContext,
  tests: Tests,
  ids: readonly string[],
  isJson: boolean,
): Promise<number> {
  if (ids.length === 0) throw new GatewayProblem("No provider is loaded, so there is nothing to test.");
  const style = terminalStyle(context);
  if (!isJson)
    context.stderr.write(
      `One small request to ${ids.length === 1 ? "1 provider" : `${ids.length} providers`}; it may cost a fraction of a cent.\n`,
    );
  const results = await testEach(tests, ids, (result) => {
    if (!isJson) context.stdout.write(testLines(result, style));
  });
  if (isJson) context.stdout.write(`${JSON.stringify({ tests: results }, null, 2)}\n`);
  return results.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failed;
}

/** All in parallel, shown in order: one that hangs must not delay the others. */
export async function testEach(
  tests: Pick<Tests, "test">,
  ids: readonly string[],
  onResult: (result: ProviderTest) => void,
): Promise<readonly ProviderTest[]> {
  const running = ids.map((id) => tests.test(id));
  // Awaited one after the other below; one that fails in the meantime must not be an unhandled rejection.
  void Promise.allSettled(running);
  const results: ProviderTest[] = [];
  for (const each of running) {
    const result = await each;
    results.push(result);
    onResult(result);
  }
  return results;
}

export function testLines(result: ProviderTest, style: TerminalStyle): string {
  const target = `${style.bold(plain(result.provider))} / ${plain(result.model)}`;
  const { error } = result;
  if (error !== null)
    return [
      `${style.red("failed")}  ${target}  after ${shownMilliseconds(result.latency_ms)}`,
      `        ${error.kind}: ${plain(error.message)}`,
      `        ${plain(error.hint)}`,
      "",
    ].join("\n");
  const facts = [
    shownMilliseconds(result.latency_ms),
    `${result.input_tokens ?? "unknown"} tokens in, ${result.output_tokens ?? "unknown"} out`,
    result.cost_usd === null ? "cost unknown" : shownUsd(result.cost_usd),
  ];
  const text =
    result.text === null ? "no text (thinking may have used up its tokens)" : `"${plain(result.text)}"`;
  return `${style.green("ok")}      ${target}  ${facts.join(", ")}\n        ${text}\n`;
}

export const test: Command = { name: "test", summary: "send one small real request", help, run };
