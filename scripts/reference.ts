// Writes the generated parts of the manual; `--check` only says whether they are fresh. Which they are: generated-parts.ts.
// Exit code 1: stale, or no marks.

import { generatedParts, withPart } from "./generated-parts.ts";

const isCheck = process.argv.includes("--check");

for (const { page, mark, text } of generatedParts) {
  const path = new URL(`../${page}`, import.meta.url).pathname;
  const file = Bun.file(path);
  const found = (await file.exists()) ? await file.text() : "";
  const wanted = withPart(found, mark, text());
  if (wanted === null) {
    console.error(`${page} lacks a pair of marks, begin before end: <!-- ${mark}:begin -->`);
    process.exitCode = 1;
  } else if (wanted === found) {
    console.log(`${page}, ${mark}: fresh`);
  } else if (isCheck) {
    console.error(`${page}, ${mark}: stale; run \`npm run reference\``);
    process.exitCode = 1;
  } else {
    await Bun.write(path, wanted);
    console.log(`${page}, ${mark}: written`);
  }
}
