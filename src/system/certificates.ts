// Checks the file that NODE_EXTRA_CA_CERTS names: is it readable, does it contain certificates, are they valid today? It must never
// show more of it than a name and a date.

import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { errorCode } from "./files.ts";

export const certificateVariable = "NODE_EXTRA_CA_CERTS";

/** More is a system's whole bundle: some of its certificates are always expired, and nothing uses them. */
const maxCheckedCertificates = 20;
const maxBytes = 16 * 1024 * 1024;
const block =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** What is wrong with it; null: nothing. */
export async function certificateProblem(path: string, nowMs: number): Promise<string | null> {
  let text: string;
  try {
    const found = await stat(path);
    // A pipe would never end.
    if (!found.isFile()) return "is not a file";
    if (found.size > maxBytes) return "is far too large for certificates";
    text = await readFile(path, "latin1");
  } catch (error) {
    const code = errorCode(error) ?? "unknown";
    return code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
  }
  return problemIn(text, nowMs);
}

/** `text`: certificates in PEM. */
export function problemIn(text: string, nowMs: number): string | null {
  const blocks = text.match(block) ?? [];
  if (blocks.length === 0) return "contains no certificate (PEM)";
  if (blocks.length > maxCheckedCertificates) return null;
  for (const [at, pem] of blocks.entries()) {
    const which = blocks.length === 1 ? "its certificate" : `certificate ${at + 1} of ${blocks.length}`;
    const read = readCertificate(pem);
    if (read === null) return `${which} cannot be parsed`;
    const named = read.name === "" ? which : `${which} (${read.name})`;
    if (nowMs > read.untilMs) return `${named} expired on ${dateOf(read.untilMs)}`;
    if (nowMs < read.fromMs) return `${named} is not valid before ${dateOf(read.fromMs)}`;
  }
  return null;
}

function readCertificate(pem: string): { name: string; fromMs: number; untilMs: number } | null {
  try {
    const { subject, validFrom, validTo } = new X509Certificate(pem.replace(/(?:TRUSTED|X509) /g, ""));
    const name = /^(?:CN|O)=(.{1,80})$/m.exec(subject ?? "")?.[1] ?? "";
    return { name, fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) };
  } catch {
    return null;
  }
}

const dateOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
