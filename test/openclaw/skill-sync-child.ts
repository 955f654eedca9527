// Syncs once and kills itself at the step that it is told, as a power cut would. Not a test: skill-sync.test.ts starts it.

import { syncSkills } from "../../src/openclaw/skill-sync.ts";
import { fakeContainer } from "./skill-fixtures.ts";

const [folder = "", home = "", kind = "", mode = "", at = ""] = process.argv.slice(2);
let step = 0;
const report = await syncSkills({
  folder,
  instance: kind === "local" ? { container: null, home } : { container: "box", home: "/state" },
  docker: fakeContainer(home, "box").docker,
  mode: mode === "pull" ? "pull" : "push",
  onStep() {
    step += 1;
    if (step === Number(at)) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(JSON.stringify({ steps: step, rows: report.rows }));
