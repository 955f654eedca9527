// The part of the server port that reads records, follows events and examines the gateway.

import { join } from "node:path";
import { DoctorRun } from "../operator/examination/doctor-run.ts";
import { readEventKinds } from "../operator/events/event-reader.ts";
import { eventSources } from "../operator/events/event-sources.ts";
import { Exports } from "../operator/export/export-stream.ts";
import { ClaudeStatus } from "../operator/reports/claude-report.ts";
import { RecordReports } from "../operator/reports/record-reports.ts";
import { ruleReport } from "../operator/reports/rule-report.ts";
import type { ReadingPort } from "../server/reading-port.ts";
import type { LogTail } from "../system/log-tail.ts";
import type { AppServices } from "./app-services.ts";
import type { NoteAction } from "./operator-port.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";

export type ReadingServices = Pick<
  AppServices,
  | "reports"
  | "clock"
  | "redact"
  | "events"
  | "live"
  | "health"
  | "claudePrograms"
  | "stateDirectory"
  | "alerts"
>;

export type ReadingParts = {
  readonly current: () => ConfigSnapshot;
  readonly logTail: LogTail;
  readonly workingDirectory: string;
};

/** `stop`: ends the streams, so that a shutdown does not wait for them. */
export type Readings = { port(note: NoteAction): ReadingPort; stop(): void };

export function createReadings(services: ReadingServices, parts: ReadingParts): Readings {
  const { reports, clock, redact, events, claudePrograms } = services;
  const { current, workingDirectory } = parts;
  const records = new RecordReports(reports, clock.nowMs);
  const exports = new Exports(reports, clock.nowMs);
  const claude = new ClaudeStatus({ clock, redact, programs: claudePrograms });
  const doctor = new DoctorRun({
    program: ownProgram(),
    workingDirectory,
    environment: () => ({
      ...current().loaded.environment,
      CLAWGATE_STATE_DIR: services.stateDirectory,
    }),
    redact,
  });
  events.follow(
    eventSources({
      ...services,
      feed: events,
      logTail: parts.logTail,
      providerIds: () => current().pipeline.providers.keys(),
    }),
  );
  const unsubscribe = services.alerts.subscribe((alert) => events.publish("alert", alert));
  return {
    port: (note) => ({
      series: (query) => records.series(query),
      requests: (query) => records.requests(query),
      request: (id) => records.request(id),
      sessions: (query) => records.sessions(query),
      session: (id, query) => records.session(id, query),
      exportRequests: (query, signal) => exports.open(query, signal),
      events: ({ query, ...request }) =>
        events.open({ ...request, kinds: readEventKinds(query.get("only")) }),
      routingRules: () => ruleReport(current().loaded.config, redact),
      claude: () => claude.report(current().loaded),
      doctor(call) {
        note(call, "doctor.run", "");
        return doctor.report();
      },
    }),
    stop() {
      unsubscribe();
      events.close();
      exports.stop();
      doctor.stop();
    },
  };
}

/** The compiled program is one file; otherwise the runtime is told which file to run. */
function ownProgram(): readonly string[] {
  const isCompiled = import.meta.dir.startsWith("/$bunfs/");
  return isCompiled ? [process.execPath] : [process.execPath, join(import.meta.dir, "..", "main.ts")];
}
