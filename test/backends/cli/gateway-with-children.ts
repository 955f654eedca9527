// A gateway that is going to be killed: lists itself, starts children, says so, and waits. Run by sweep.test.ts.
// Arguments: state directory, number of children, the shell script of each.

import { startClaude } from "../../../src/backends/cli/child.ts";
import { childMark, newGatewayId, openRegister } from "../../../src/backends/cli/sweep.ts";

const [stateDirectory = "", count = "1", script = ""] = process.argv.slice(2);
const gatewayId = newGatewayId();
const register = await openRegister({
  stateDirectory,
  gatewayId,
  gatewayPid: process.pid,
  onTrouble: (error) => console.error(error),
});
for (let i = 0; i < Number(count); i++) {
  const child = await startClaude(
    {
      bin: "/bin/sh",
      argv: ["-c", script],
      env: { PATH: "/usr/bin:/bin", [childMark]: gatewayId },
      cwd: "/",
      jail: null,
      label: "test",
    },
    { register },
  );
  await child.next();
}
await register.saved();
console.log(gatewayId);
setInterval(() => undefined, 60_000);
