// Writes the config reference into README.md between its markers; `--check` only says whether it is fresh.
// Exit code 1: stale, or no markers.

import { withReference } from "../src/config/reference.ts";

const path = new URL("../README.md", import.meta.url).pathname;
const file = Bun.file(path);
const readme = (await file.exists()) ? await file.text() : null;
const fresh = readme === null ? null : withReference(readme);

if (readme === null || fresh === null) {
  console.error(
    readme === null
      ? "README.md does not exist, so the reference has no place to go"
      : "README.md has no <!-- reference:begin --> and <!-- reference:end --> markers, in this order",
  );
  process.exit(1);
}
if (fresh === readme) {
  console.log("README.md: the config reference is fresh");
} else if (process.argv.includes("--check")) {
  console.error("README.md: the config reference is stale; run `bun run reference`");
  process.exit(1);
} else {
  await Bun.write(path, fresh);
  console.log("README.md: the config reference is written");
}
