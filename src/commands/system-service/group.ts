// `clawgate service`: the gateway as a service of systemd or launchd.

import type { Command } from "../command.ts";
import { controls } from "./control.ts";
import { installService } from "./install.ts";
import { serviceLogs } from "./logs.ts";
import { serviceStatus } from "./status.ts";

const help = `Usage: clawgate service [status] [options]
       clawgate service install|uninstall|start|stop|restart|logs [options]

Commands:
  install     install the gateway as a service and start it
  uninstall   stop and remove the installed service
  start       start the installed service
  stop        stop the installed service
  restart     restart the installed service
  status      show whether a service is installed and how it is (the default)
  logs        what the service wrote, also in earlier runs

--user is the service of your own session (the default, unless you are root), --system the machine's.
clawgate service <command> --help shows a command's options; clawgate help services is the page about services.
`;

export const service: Command = {
  name: "service",
  summary: "run the gateway as a service of systemd or launchd",
  help,
  verbs: [installService, ...controls, serviceStatus, serviceLogs],
  run: serviceStatus.run,
};
