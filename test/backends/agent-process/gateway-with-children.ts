// A gateway that is going to be killed: lists itself, starts children, says so, and waits. Run by child-register.test.ts.
// Arguments: state directory, number of children, the shell script of each.

import { startAgentProcess } from "../../../src/backends/agent-process/child-process.ts";
import { childMark, newGatewayId, openRegister } from "../../../src/backends/agent-process/child-register.ts";

const [stateDirectory = "", count = "1", script = ""] = process.argv.slice(2);
const gatewayId = newGatewayId();
const register = await openRegister({
  stateDirectory,
  gatewayId,
  gatewayPid: process.pid,
  onTrouble: (error) => console.error(error),
});
for (let i = 0; i < Number(count); i++) {
  const child = await startAgentProcess(
    {
      bin: "/bin/sh",
      argv: ["-c", script],
      env: { PATH: "/usr/bin:/bin", [childMark]: gatewayId },
      cwd: "/",
      jail: null,
      program: "test program",
    },
    { register },
  );
  await child.next();
}
await register.saved();
console.log(gatewayId);
setInterval(() => undefined, 60_000);
