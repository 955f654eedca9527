// `npm run trial -- <name> [options]`: long trials of one property each, run by hand before a release; tests run their small form.

import { parseArgs } from "node:util";
import { bareDebianTrial } from "./bare-debian.ts";
import { dashboardTrial } from "./dashboard.ts";
import { recordsTrial } from "./records.ts";
import { releaseTrial } from "./release.ts";
import { targetsTrial } from "./targets.ts";
import { serviceTrial } from "./booted-service.ts";
import { restarts } from "./restarts.ts";
import { totalsTrial } from "./totals.ts";
import type { Trial } from "./trial.ts";

const trials: Readonly<Record<string, Trial>> = {
  "bare-debian": bareDebianTrial,
  dashboard: dashboardTrial,
  records: recordsTrial,
  release: releaseTrial,
  targets: targetsTrial,
  service: serviceTrial,
  restarts,
  totals: totalsTrial,
};

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { rows: { type: "string" }, folder: { type: "string" } },
    allowPositionals: true,
  });
  const [name = ""] = positionals;
  const trial = Object.hasOwn(trials, name) ? trials[name] : undefined;
  if (trial === undefined) {
    for (const [each, { purpose }] of Object.entries(trials))
      console.log(`npm run trial -- ${each}: ${purpose}`);
    process.exitCode = name === "" ? 0 : 64;
  } else {
    const report = await trial.run({
      ...(values.rows === undefined ? {} : { rows: Number(values.rows) }),
      ...(values.folder === undefined ? {} : { folder: values.folder }),
    });
    for (const line of report.lines) console.log(line);
    process.exitCode = report.isHeld ? 0 : 1;
  }
}
