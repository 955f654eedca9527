// Writes the generated parts of the manual (generated-parts.ts lists them); `--check` only reports whether they are fresh.
// Exit code 1: stale, or no markers.

import { generatedParts, withPart } from "./generated-parts.ts";

const isCheck = process.argv.includes("--check");

for (const { page, marker, text } of generatedParts) {
  const path = new URL(`../${page}`, import.meta.url).pathname;
  const file = Bun.file(path);
  const found = (await file.exists()) ? await file.text() : "";
  const wanted = withPart(found, marker, text());
  if (wanted === null) {
    console.error(`${page} lacks a pair of markers, begin before end: <!-- ${marker}:begin -->`);
    process.exitCode = 1;
  } else if (wanted === found) {
    console.log(`${page}, ${marker}: fresh`);
  } else if (isCheck) {
    console.error(`${page}, ${marker}: stale; run \`npm run reference\``);
    process.exitCode = 1;
  } else {
    await Bun.write(path, wanted);
    console.log(`${page}, ${marker}: written`);
  }
}
