// OpenTelemetry of the one-file program: what a collector gets, what status and doctor say of it, and what a stop still sends.

import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../src/operator/examination/finding.ts";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { type Collector, startCollector } from "./support/otel-collector.ts";
import { runProgram } from "./support/program-run.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

type Started = { readonly dir: string; readonly gateway: RunningBinary; readonly collector: Collector };

async function start(more: Readonly<Record<string, string>> = {}): Promise<Started> {
  const dir = cleanups.folder("clawgate-telemetry-");
  const collector = startCollector();
  cleanups.push(() => collector.stop());
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: "x-collector-key=top-secret-0123456789",
    OTEL_METRIC_EXPORT_INTERVAL: "600000",
    // What belongs to a collector on this machine must not go there.
    HTTP_PROXY: "http://127.0.0.1:9",
    ...more,
  };
  const config = { providers: { demo: { backend: "demo" } } };
  const gateway = cleanups.stopAtEnd(await startBinary({ config, dir, env }));
  return { dir, gateway, collector };
}

const run = ({ dir }: Started, ...args: readonly string[]) =>
  runProgram([binaryPath(), ...args, "--json"], { cwd: dir, env: cleanEnvironment(dir), timeoutMs: 30_000 });

async function ask({ gateway }: Started): Promise<void> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "Hello" }] }),
  });
  expect(answer.status).toBe(200);
  await answer.text();
}

test("spans arrive, status and doctor say where to, and a stop sends the rest", async () => {
  const started = await start({ OTEL_BSP_SCHEDULE_DELAY: "20" });
  const { collector, gateway } = started;
  await ask(started);
  await collector.until(() => collector.spans().length === 2, "two spans");
  expect(collector.exports[0]?.headers.get("x-collector-key")).toBe("top-secret-0123456789");
  expect(collector.exports[0]?.resource).toMatchObject({ "service.name": "clawgate" });

  const status = await run(started, "status");
  expect(JSON.parse(status.stdout)).toMatchObject({
    opentelemetry: {
      traces: {
        collector: `${collector.url}/v1/traces`,
        protocol: "http/protobuf",
        sent: 2,
        lost: 0,
        problem: null,
      },
      metrics: { collector: `${collector.url}/v1/metrics`, sent: 0 },
      notices: [],
    },
  });
  const doctor = await run(started, "doctor", "--quick");
  const { findings } = JSON.parse(doctor.stdout) as { findings: readonly Finding[] };
  expect(findings.find(({ id }) => id === "opentelemetry.traces")).toMatchObject({
    section: "gateway",
    state: "ok",
    title: `OpenTelemetry traces go to ${collector.url}/v1/traces`,
    detail: "2 sent, 0 lost",
  });
  expect(status.stdout + doctor.stdout).not.toContain("top-secret");

  await ask(started);
  expect(collector.latest("clawgate_requests_total")).toEqual([]);
  await gateway.stop();
  expect(collector.spans()).toHaveLength(4);
  expect(collector.latest("clawgate_requests_total")).toMatchObject([{ value: 2 }]);
});

test("what it cannot do is said at the start, and requests are answered all the same", async () => {
  const started = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
  await started.gateway.waitForOutput("which this gateway does not speak");
  await ask(started);
  expect(started.collector.exports).toEqual([]);
  const { notices, traces } = (
    JSON.parse((await run(started, "status")).stdout) as {
      opentelemetry: { notices: string[]; traces: null };
    }
  ).opentelemetry;
  expect([notices.length, traces]).toEqual([2, null]);
});

test("a .env beside the config names no collector", async () => {
  const dir = cleanups.folder("clawgate-telemetry-");
  const collector = startCollector();
  cleanups.push(() => collector.stop());
  const variables = [
    `OTEL_EXPORTER_OTLP_ENDPOINT=${collector.url}`,
    "OTEL_BSP_SCHEDULE_DELAY=20",
    "OTEL_METRIC_EXPORT_INTERVAL=100",
  ];
  writeFileSync(join(dir, ".env"), variables.join("\n"), { mode: 0o600 });
  const config = { providers: { demo: { backend: "demo" } } };
  const gateway = cleanups.stopAtEnd(await startBinary({ config, dir }));
  await ask({ dir, gateway, collector });
  await Bun.sleep(500);
  expect(await gateway.stop()).toBe(0);
  expect(collector.exports).toEqual([]);
});
