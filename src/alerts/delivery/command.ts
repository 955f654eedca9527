// Delivery by a program of the operator: it gets the message as JSON on its standard input, a few variables, and limited time.
// It must never run in a shell, nor see the gateway's whole environment.

import { inheritedEnvironment, runCommand } from "../../system/process.ts";
import type { Clock } from "../../system/clock.ts";
import type { AlertsSettings } from "../settings.ts";
import { type AlertMessage, type Channel, type DeliveryResult, messageJson } from "./message.ts";

type CommandSettings = Pick<AlertsSettings, "command" | "command_timeout_s">;

export type CommandServices = {
  readonly clock: Clock;
  /** The gateway's own. */
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  redact(text: string): string;
};

const passedNames = new Set(["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"]);
const maxOutputBytes = 4_096;

export function createAlertCommand(settings: () => CommandSettings, services: CommandServices): Channel {
  const run = async (message: AlertMessage, signal?: AbortSignal): Promise<DeliveryResult> => {
    const { command, command_timeout_s: seconds } = settings();
    if (command.length === 0) return { ok: true };
    try {
      const { code, timedOut, stderr } = await runCommand(command, {
        timeoutMs: seconds * 1000,
        env: passedVariables(services.environment()),
        input: `${messageJson(message)}\n`,
        maxOutputBytes,
        clock: services.clock,
        ...(signal === undefined ? {} : { signal }),
      });
      if (timedOut) return { ok: false, isFinal: true, why: `it ran longer than ${seconds} s and was ended` };
      if (code === 0) return { ok: true };
      const said = services.redact(stderr).trim().split("\n").at(-1) ?? "";
      const how = code === null ? "a signal ended it" : `it ended with code ${code}`;
      return { ok: false, isFinal: false, why: said === "" ? how : `${how}: ${said}` };
    } catch (error) {
      const why = error instanceof Error ? services.redact(error.message) : "it could not be started";
      return { ok: false, isFinal: true, why };
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    name: "command",
    isConfigured: () => settings().command.length > 0,
    send(message, signal) {
      // One at a time, a test message too.
      const next = last.then(() => run(message, signal));
      last = next;
      return next;
    },
  };
}

function passedVariables(environment: ReturnType<CommandServices["environment"]>): Record<string, string> {
  const inherited = Object.entries(inheritedEnvironment(environment));
  return Object.fromEntries(inherited.filter(([name]) => passedNames.has(name)));
}
