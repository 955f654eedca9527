// `clawgate service restart`: the running process hands over to a new one where that does, so that no request is lost. It must never stop a
// gateway that works because a new one cannot start.

import type { Service } from "../../supervisor/installed-service.ts";
import { type Machine, ServiceProblem } from "../../supervisor/machine.ts";
import { pause, systemClock } from "../../system/clock.ts";
import type { CommandContext } from "../command.ts";
import { restartGateway } from "../restart.ts";
import { plain } from "../terminal.ts";

export type RestartWay =
  | { readonly how: "handed-over"; readonly pid: number }
  | { readonly how: "stopped-and-started"; readonly why: string };

/** The manager hears of the new process when nothing of the hand-over is taken back any more. */
const followMs = 20_000;
const lookMs = 100;

export function wayWords(way: RestartWay): string {
  return way.how === "handed-over"
    ? `: process ${way.pid} took over, no request was lost`
    : ` (stopped and started: ${plain(way.why)})`;
}

/** Throws ServiceProblem. */
export async function restartService(
  service: Service,
  machine: Machine,
  context: CommandContext,
): Promise<RestartWay> {
  const handed = await handOver(service, machine, context);
  if (typeof handed === "number") return { how: "handed-over", pid: handed };
  await service.restart();
  return { how: "stopped-and-started", why: handed };
}

/** The new process; or why there can be none. Throws ServiceProblem where one was tried and failed. */
async function handOver(
  service: Service,
  machine: Machine,
  context: CommandContext,
): Promise<number | string> {
  const before = await service.state();
  if (!before.isActive || before.pid === null) return "it was not running";
  const why = await service.onlyNewStart();
  if (why !== null) return why;
  const environment = { HOME: machine.homeDirectory, ...service.plan?.environment };
  const outcome = await restartGateway(context, environment);
  if ("why" in outcome) {
    if (!outcome.wasTried) return outcome.why;
    const flag = `--${service.scope}`;
    throw new ServiceProblem(
      `${outcome.why}. To stop it and start it anew nevertheless: clawgate service stop ${flag} && clawgate service start ${flag}`,
    );
  }
  const endMs = systemClock.monotonicMs() + followMs;
  while ((await service.state()).pid !== outcome.pid) {
    if (systemClock.monotonicMs() >= endMs)
      throw new ServiceProblem(
        `process ${outcome.pid} took over, but ${service.manager} does not see it as the service's main process`,
      );
    await pause(systemClock, lookMs);
  }
  return outcome.pid;
}
