// The manual's table of providers, from the vendor rows, and the dates of the bundled lists.
// It must never contain a fact of its own: everything in it comes from vendors.ts or catalog/.

import { localServers, vendors } from "../src/backends/http/vendors.ts";
import type { VendorRow } from "../src/backends/settings.ts";
import { tableDate, tableSource } from "../src/catalog/model-capabilities.ts";
import { priceTableDate, priceTableVersion } from "../src/catalog/price-table.ts";
import { keyVariablesOf } from "../src/config/discovery.ts";

const quoted = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll("|", "\\|");

function line(row: VendorRow): string {
  const keys = keyVariablesOf(row).map(quoted).join(" or ");
  const cells = [
    quoted(row.id),
    row.name,
    keys === "" ? "none" : keys,
    row.backend,
    quoted(row.baseUrl),
    row.model === null ? "the first that it lists" : quoted(row.model),
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

export function providersText(): string {
  const rows = [...vendors, ...localServers];
  const notes = rows.flatMap((row) => (row.note === undefined ? [] : [`- **${row.name}**: ${row.note}`]));
  return [
    "| id | vendor | key variable | wire format | address | default model |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows.map(line),
    "",
    ...notes,
    "",
    `What the models can do comes from ${tableSource()} (${tableDate()}), prices from @pydantic/genai-prices ${priceTableVersion}`,
    `(${priceTableDate}) and, for newer models, from the former. What neither has is shown as unknown.`,
  ].join("\n");
}
