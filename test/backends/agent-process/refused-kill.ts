// A gateway without root's rights, one of whose child's processes became another user's: starts a child, says its number, ends it when
// asked to, and prints what the register received. Run by child-process.test.ts.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAgentProcess } from "../../../src/backends/agent-process/child-process.ts";
import {
  childMark,
  createMarks,
  newGatewayId,
  openRegister,
} from "../../../src/backends/agent-process/child-register.ts";

const nothing = (): void => undefined;
const gatewayId = newGatewayId();
const child = await startAgentProcess(
  {
    bin: "/bin/cat",
    argv: [],
    env: { [childMark]: gatewayId },
    cwd: "/",
    jail: null,
    program: "test program",
  },
  {
    graceMs: 0,
    register: {
      gatewayId,
      newMark: createMarks(gatewayId),
      add: nothing,
      remove: nothing,
      saved: () => Promise.resolve(),
      unstoppable: (pids) => console.log(`left ${pids.join(" ")}`),
      searchFailed: (error) => console.log(`not searched: ${error}`),
      close: () => Promise.resolve(),
    },
  },
);
console.log(child.pid);
for await (const _ of Bun.stdin.stream()) break;
await child.stop();
const stateDirectory = mkdtempSync(join(tmpdir(), "clawgate-refused-"));
const list = await openRegister({
  stateDirectory,
  gatewayId,
  gatewayPid: process.pid,
  onTrouble: (error) => console.log(`trouble: ${error}`),
  onUnstoppable: (pids) => console.log(`left at the end ${pids.join(" ")}`),
});
await list.close();
rmSync(stateDirectory, { recursive: true });
console.log("stopped");
