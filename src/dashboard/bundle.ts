// Bundles the browser's half of the dashboard. Imported as a macro: it runs while the module that imports it is transpiled, so the
// source tree, the tests and the compiled program all hold the same texts, and nothing generated is committed.

import { join } from "node:path";

export type Bundle = { readonly script: string; readonly style: string };

function built(entry: string): string {
  const argv = ["build", join(import.meta.dir, "client", entry), "--minify", "--target=browser"];
  const define = ["--define", 'process.env.NODE_ENV="production"'];
  // The bundler cannot be called from within a macro: it waits for the macro.
  const { success, stdout, stderr } = Bun.spawnSync([process.execPath, ...argv, ...define], {
    cwd: import.meta.dir,
    env: { NODE_ENV: "production" },
  });
  if (!success) throw new Error(`the dashboard could not be bundled: ${stderr.toString()}`);
  return stdout.toString();
}

export function bundleDashboard(): Bundle {
  return { script: built("main.tsx"), style: built("styles/main.css") };
}
