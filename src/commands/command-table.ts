// The commands, one line each. A new command is a file and a line here.

import { alerts } from "./alerts.ts";
import type { Command } from "./command.ts";
import { connect } from "./connect/connect.ts";
import { disconnect } from "./connect/disconnect.ts";
import { runClient } from "./connect/run-client.ts";
import { statusline } from "./connect/statusline.ts";
import { dashboard } from "./dashboard.ts";
import { doctor } from "./doctor.ts";
import { exportCommand } from "./export.ts";
import { health } from "./health.ts";
import { helpCommand } from "./help.ts";
import { login } from "./login.ts";
import { logs } from "./logs.ts";
import { manage } from "./manage/group.ts";
import { providers } from "./providers/group.ts";
import { reload } from "./reload.ts";
import { requestLog } from "./request-log.ts";
import { route } from "./route.ts";
import { serve } from "./serve.ts";
import { setup } from "./setup.ts";
import { stats } from "./stats.ts";
import { status } from "./status.ts";
import { stop } from "./stop.ts";
import { top } from "./top.ts";
import { versionCommand } from "./version.ts";

export const commands: readonly Command[] = [
  serve,
  status,
  health,
  stop,
  logs,
  dashboard,
  stats,
  top,
  exportCommand,
  alerts,
  requestLog,
  route,
  providers,
  reload,
  doctor,
  connect,
  disconnect,
  runClient,
  statusline,
  setup,
  manage,
  login,
  versionCommand,
  helpCommand(() => commands),
];
