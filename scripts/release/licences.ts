// THIRD-PARTY-LICENSES.txt: what else is inside the program, under which licence, with the text of each.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { linkedLibraries, runtimeNotice } from "./runtime-licences.ts";
import type { BundledPackage } from "./packages.ts";

export const licencesName = "THIRD-PARTY-LICENSES.txt";

const rule = "=".repeat(100);

/** Equal texts are printed once, with all packages that they are of. */
export function thirdPartyLicences(root: string, packages: readonly BundledPackage[]): string {
  const groups = Map.groupBy(packages, ({ license, licenseText }) => `${license}\n${licenseText}`);
  const sections = [...groups.values()].map((group) => {
    const [{ license, licenseText } = { license: "", licenseText: "" }] = group;
    const heads = group.map(
      ({ name, version, author }) => `${name} ${version}${author === "" ? "" : ` (${author})`}`,
    );
    const text = licenseText === "" ? withoutText(license) : licenseText;
    return `${rule}\n${heads.join("\n")}\nLicence: ${license}\n\n${text}\n`;
  });
  const libraries = linkedLibraries.map(({ name, license }) => `  ${name}: ${license}`).join("\n");
  const texts = ["LGPL-2.0", "LGPL-2.1", "Apache-2.0"].map(
    (name) =>
      `${rule}\n${name}\n\n${readFileSync(join(root, "scripts", "release", "licences", `${name}.txt`), "utf8").trim()}\n`,
  );
  return [
    "ClawGate contains the following software of others.\n",
    `${rule}\nThe runtime: Bun\n\n${runtimeNotice}\n\nLibraries that Bun is linked with:\n\n${libraries}\n`,
    ...sections,
    ...texts,
  ].join("\n");
}

const withoutText = (license: string): string =>
  license === "MIT"
    ? mitText
    : `The package holds no text of its licence. ${license === "Apache-2.0" ? "It is printed at the end of this file." : "It is known by this identifier (SPDX)."}`;

/** The standard text, for packages that name the licence and hold no copy. */
const mitText = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
