// POST /api/doctor: `clawgate doctor --json` as a program of its own, because it reads every page of the database, which would hold up
// the gateway's loop. One at a time: who asks meanwhile gets the same report.

import { Failure } from "../../canon/failure.ts";
import { runCommand } from "../../system/process.ts";

export type DoctorRunOptions = {
  /** This program, and what must come before its arguments. */
  readonly program: readonly string[];
  readonly workingDirectory: string;
  /** The variables of the gateway: the report is about its own config. */
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  readonly redact: (text: string) => string;
  readonly run?: typeof runCommand;
};

const limitMs = 120_000;
const maxReportBytes = 4 * 1024 * 1024;

export class DoctorRun {
  private running: Promise<unknown> | null = null;
  private readonly stopper = new AbortController();

  constructor(private readonly options: DoctorRunOptions) {}

  /** The report. Throws Failure. */
  report(): Promise<unknown> {
    this.running ??= this.examine().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  stop(): void {
    this.stopper.abort();
  }

  private async examine(): Promise<unknown> {
    const { program, workingDirectory, environment, redact, run = runCommand } = this.options;
    const variables = Object.entries(environment()).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const result = await run([...program, "doctor", "--json"], {
      timeoutMs: limitMs,
      env: Object.fromEntries(variables),
      cwd: workingDirectory,
      maxOutputBytes: maxReportBytes,
      signal: this.stopper.signal,
    });
    if (this.stopper.signal.aborted) throw new Failure("shutting-down", "The gateway is shutting down.");
    if (result.timedOut)
      throw new Failure("timed-out", `The examination took longer than ${limitMs / 1000} s and was ended.`);
    try {
      return JSON.parse(redact(result.stdout)) as unknown;
    } catch {
      throw new Failure("internal", "The examination ended without a report; see the log.", {
        cause: redact(result.stderr.slice(-2_000)),
      });
    }
  }
}
