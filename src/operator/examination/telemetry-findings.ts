// What `clawgate doctor` finds in the OTEL_* variables: where spans and metrics would go, and which of them mean nothing here. Headers
// may hold keys and are never shown.

import type { Environment } from "../../system/state-directory.ts";
import { readTelemetrySettings } from "../../telemetry/otel-variables.ts";
import { shownAddress } from "../../telemetry/otlp-sender.ts";
import { type Finding, findingsIn } from "./finding.ts";

const inProgram = findingsIn("program");

export function telemetryFindings(environment: Environment): readonly Finding[] {
  const { traces, metrics, notices } = readTelemetrySettings(environment);
  const signals = [
    ["traces", traces],
    ["metrics", metrics],
  ] as const;
  return [
    ...signals.flatMap(([name, settings]) =>
      settings === null
        ? []
        : [
            inProgram(
              "ok",
              `opentelemetry.${name}`,
              `OpenTelemetry ${name} go to ${shownAddress(settings.url)}`,
              settings.protocol,
            ),
          ],
    ),
    ...notices.map((notice) =>
      inProgram(
        "warning",
        "opentelemetry",
        notice,
        null,
        "correct the variable, or unset it for the gateway",
      ),
    ),
  ];
}
