// Writes the config reference and the table of providers into README.md between their markers; `--check` only says
// whether they are fresh.
// Exit code 1: stale, or no markers.

import { withReference } from "../src/config/reference.ts";
import { withProviders } from "./providers-table.ts";

const path = new URL("../README.md", import.meta.url).pathname;
const file = Bun.file(path);
const readme = (await file.exists()) ? await file.text() : null;
const withTable = readme === null ? null : withProviders(readme);
const fresh = withTable === null ? null : withReference(withTable);

if (readme === null || fresh === null) {
  console.error(
    readme === null
      ? "README.md does not exist, so the reference has no place to go"
      : "README.md lacks a pair of markers, begin before end: <!-- providers:begin --> or <!-- reference:begin -->",
  );
  process.exit(1);
}
if (fresh === readme) {
  console.log("README.md: reference and providers are fresh");
} else if (process.argv.includes("--check")) {
  console.error("README.md: reference or providers are stale; run `bun run reference`");
  process.exit(1);
} else {
  await Bun.write(path, fresh);
  console.log("README.md: reference and providers are written");
}
