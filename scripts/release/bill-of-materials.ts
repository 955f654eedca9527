// The software bill of materials of a release: CycloneDX 1.6 as JSON. One commit gives one text.

import { createHash } from "node:crypto";
import { linkedLibraries } from "./runtime-licences.ts";
import type { BundledPackage } from "./packages.ts";

export type BillSubject = {
  readonly version: string;
  readonly commit: string;
  /** ISO time in UTC. */
  readonly commitTime: string;
  readonly bunVersion: string;
};

export const billName = (version: string): string => `clawgate-${version}.cdx.json`;

export function billOfMaterials(subject: BillSubject, packages: readonly BundledPackage[]): string {
  const self = `pkg:generic/clawgate@${encodeURIComponent(subject.version)}`;
  const runtime = `pkg:npm/bun@${subject.bunVersion}`;
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(`${self} ${subject.commit}`)}`,
    version: 1,
    metadata: {
      timestamp: subject.commitTime,
      component: {
        type: "application",
        "bom-ref": self,
        name: "clawgate",
        version: subject.version,
        purl: self,
        licenses: [{ license: { id: "MIT" } }],
        properties: [{ name: "clawgate:commit", value: subject.commit }],
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": runtime,
        name: "bun",
        version: subject.bunVersion,
        purl: runtime,
        licenses: [{ license: { id: "MIT" } }],
        components: linkedLibraries.map(({ name, spdx }) => ({
          type: "library",
          "bom-ref": `bun/${name}`,
          name,
          licenses: licensesOf(spdx),
        })),
      },
      ...packages.map(packageRow),
    ],
    dependencies: [
      { ref: self, dependsOn: [runtime, ...packages.map(purlOf)] },
      { ref: runtime, dependsOn: linkedLibraries.map(({ name }) => `bun/${name}`) },
    ],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function packageRow(each: BundledPackage): object {
  const [scope, name] = each.name.startsWith("@") ? each.name.split("/") : [undefined, each.name];
  return {
    type: "library",
    "bom-ref": purlOf(each),
    ...(scope === undefined ? {} : { group: scope }),
    name,
    version: each.version,
    purl: purlOf(each),
    hashes: [{ alg: "SHA-512", content: each.sha512 }],
    licenses: licensesOf(each.license),
  };
}

/** An identifier, or an expression of several. */
const licensesOf = (spdx: string): readonly object[] =>
  /[ ()]/.test(spdx) ? [{ expression: spdx }] : [{ license: { id: spdx } }];

const purlOf = ({ name, version }: BundledPackage): string =>
  `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`;

/** A name-based UUID: the same subject has the same number. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
