// Writes the generated parts of the manual, each between its markers: the config reference and the table of providers; `--check`
// only says whether they are fresh.
// Exit code 1: stale, or no markers.

import { withReference } from "../src/config/reference.ts";
import { withProviders } from "./providers-table.ts";

const pages = [
  { page: "src/manual/configuration.md", marker: "reference", fresh: withReference },
  { page: "src/manual/providers.md", marker: "providers", fresh: withProviders },
] as const;
const isCheck = process.argv.includes("--check");

for (const { page, marker, fresh } of pages) {
  const path = new URL(`../${page}`, import.meta.url).pathname;
  const file = Bun.file(path);
  const text = (await file.exists()) ? await file.text() : "";
  const wanted = fresh(text);
  if (wanted === null) {
    console.error(`${page} lacks a pair of markers, begin before end: <!-- ${marker}:begin -->`);
    process.exitCode = 1;
  } else if (wanted === text) {
    console.log(`${page}: fresh`);
  } else if (isCheck) {
    console.error(`${page}: stale; run \`bun run reference\``);
    process.exitCode = 1;
  } else {
    await Bun.write(path, wanted);
    console.log(`${page}: written`);
  }
}
