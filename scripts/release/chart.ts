// The Helm chart of a release: the files of scripts/packaging/helm with the version of the release, packed as `helm package` does.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { packTarGz, type PackedFile } from "./archive.ts";

export const chartName = (version: string): string => `clawgate-chart-${version}.tgz`;

export const chartFolder = (root: string): string => join(root, "scripts", "packaging", "helm", "clawgate");
export const chartFile = (root: string): string => join(chartFolder(root), "Chart.yaml");

/** Chart.yaml with the version of the program as the version of the chart, so that one number names both. */
export function chartWithVersion(text: string, version: string): string {
  const lines = ["version", "appVersion"] as const;
  for (const name of lines)
    if (text.match(new RegExp(`^${name}: .*$`, "gm"))?.length !== 1)
      throw new Error(`Chart.yaml does not have the line ${name} once`);
  return text
    .replace(/^version: .*$/m, () => `version: ${version}`)
    .replace(/^appVersion: .*$/m, () => `appVersion: ${JSON.stringify(version)}`);
}

export function packChart(root: string, version: string, time: Date): Promise<Uint8Array> {
  const folder = chartFolder(root);
  const files = filesBelow(folder).map(({ name, bytes }): PackedFile => {
    const isChart = name === "Chart.yaml";
    const content = isChart ? chartWithVersion(new TextDecoder().decode(bytes), version) : null;
    return {
      name: `clawgate/${name}`,
      bytes: content === null ? bytes : new TextEncoder().encode(content),
      isProgram: false,
    };
  });
  return packTarGz(files, time);
}

type NamedFile = { readonly name: string; readonly bytes: Uint8Array };

/** With names as archives have them. */
export function filesBelow(folder: string): readonly NamedFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => ({ name: name.replaceAll("\\", "/"), bytes: readFileSync(join(folder, name)) }));
}
