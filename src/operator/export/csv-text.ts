// CSV as RFC 4180 has it, for spreadsheets too: a text that a spreadsheet would take for a formula is made a text, and control
// characters, which could steer a terminal, are replaced.

export type CsvValue = string | number | boolean | null;

/** What begins a formula in Excel, LibreOffice and Sheets, in their full-width forms too. */
const formulaStart = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const controls = /(?![\t\n\r])\p{Cc}/gu;

export function csvLine(values: readonly CsvValue[]): string {
  return `${values.map(csvField).join(",")}\r\n`;
}

function csvField(value: CsvValue): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const inert = value.replace(controls, "\ufffd");
  const text = formulaStart.test(inert) ? `'${inert}` : inert;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** All nine decimals of nano-USD, without an exponent and without trailing zeros: the sum of a column is exact. */
export function exactUsd(usd: number | null | undefined): string | null {
  if (usd === null || usd === undefined) return null;
  return usd.toFixed(9).replace(/\.?0+$/, "");
}
