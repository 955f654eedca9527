// Where a hand-over would end the gateway, because whoever started the process ends with it, it is refused with what to do instead.

import { expect, test } from "bun:test";
import { restartObstacle, type Surroundings } from "../../src/commands/restart-obstacle.ts";

const usual: Surroundings = {
  environment: {},
  launcher: null,
  pid: 4711,
  parent: 815,
  firstProgram: "systemd",
};
const launcher = { isRepeated: () => false, watch: () => () => undefined };

test.each<[string, Partial<Surroundings>, string | null]>([
  ["a terminal", {}, null],
  ["a daemon without a service", { parent: 1 }, null],
  [
    "a terminal that is itself a service",
    { environment: { INVOCATION_ID: "x", SYSTEMD_EXEC_PID: "99" } },
    null,
  ],
  [
    "a notifying unit",
    { parent: 1, environment: { SYSTEMD_EXEC_PID: "4711", NOTIFY_SOCKET: "/run/systemd/notify" } },
    null,
  ],
  [
    "a successor in a notifying unit",
    { parent: 1, environment: { SYSTEMD_EXEC_PID: "4000", NOTIFY_SOCKET: "/run/systemd/notify" } },
    null,
  ],
  ["a simple unit", { parent: 1, environment: { SYSTEMD_EXEC_PID: "4711" } }, "systemctl restart"],
  ["a unit of the user", { environment: { SYSTEMD_EXEC_PID: "4711" } }, "systemctl restart"],
  ["a unit of an old systemd", { parent: 1, environment: { INVOCATION_ID: "x" } }, "systemctl restart"],
  ["npm", { launcher }, "started by npm"],
  ["a container", { pid: 1, parent: 0, firstProgram: "clawgate" }, "restart the container"],
  ["a container with an init", { pid: 7, parent: 1, firstProgram: "tini" }, "restart the container"],
  ["docker run --init", { pid: 7, parent: 1, firstProgram: "docker-init" }, "restart the container"],
])("%s", (_name, differs, words) => {
  const obstacle = restartObstacle({ ...usual, ...differs });
  if (words === null) expect(obstacle).toBeNull();
  else expect(obstacle).toContain(words);
});
