// Asks for the files of a release: limited in size and time, over https (http from this machine itself), and believed only as far as the
// signature reaches. It must never keep a file whose sum is not in the signed list.

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { type Clock, systemClock } from "../system/clock.ts";
import { isLoopback, proxyFor, type ProxyVariables } from "../system/proxy.ts";
import {
  archiveName,
  checksumsName,
  isSignedBy,
  manifestName,
  manifestSchema,
  parseChecksums,
  releaseFile,
  type ReleaseManifest,
  signatureName,
} from "./release-files.ts";
import { UpdateProblem } from "./update-problem.ts";

export type ReleaseSource = {
  readonly base: string;
  /** The public key of the releases, as PEM. */
  readonly key: string;
  readonly proxies: ProxyVariables;
  readonly fetch: (
    url: string,
    options: RequestInit & { proxy?: string; decompress?: boolean },
  ) => Promise<Response>;
  readonly signal: AbortSignal;
  readonly userAgent: string;
  /** Bytes so far, and of how many. */
  readonly onProgress: (bytes: number, total: number) => void;
  readonly clock?: Clock;
};

export type ReleasedArchive = ReleaseManifest["files"][number];

const maxListBytes = 1024 * 1024;
const maxArchiveBytes = 512 * 1024 * 1024;
const stalledMs = 60_000;
const maxRedirects = 5;

/** Null: this address may not be asked. */
function allowedAddress(text: string, isFirst: boolean): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return null;
  if (url.protocol === "https:") return url;
  return isFirst && url.protocol === "http:" && isLoopback(url.hostname) ? url : null;
}

/** The signed description of a version; `version` null: of the latest. Throws UpdateProblem. */
export async function readManifest(source: ReleaseSource, version: string | null): Promise<ReleaseManifest> {
  const text = await read(source, releaseFile(source.base, manifestName, version), version);
  const named = manifestIn(text).version;
  if (version !== null && named !== version)
    throw new UpdateProblem(`asked for version ${version}, but the server has ${named} there`);
  // What "latest" means may change between two downloads.
  const address = (name: string): string => releaseFile(source.base, name, named);
  const sums = await read(source, address(checksumsName), named);
  const signature = await read(source, address(signatureName), named);
  if (!isSignedBy(source.key, sums, signature))
    throw new UpdateProblem(
      "the signature of the release is WRONG: it was not made by the key that this program knows",
    );
  const listed = sumsIn(sums);
  if (listed.get(manifestName) !== sha256(text))
    throw new UpdateProblem(`the checksum of ${manifestName} is WRONG`);
  const manifest = manifestIn(text);
  for (const { name, target, sha256: sum } of manifest.files)
    if (name !== archiveName(target) || listed.get(name) !== sum)
      throw new UpdateProblem(`${manifestName} and ${checksumsName} do not agree about ${name}`);
  return manifest;
}

function manifestIn(bytes: Uint8Array): ReleaseManifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = null;
  }
  const read = manifestSchema.safeParse(value);
  if (!read.success)
    throw new UpdateProblem(`the server's ${manifestName} is none: it has no release of ClawGate there`);
  return read.data;
}

function sumsIn(bytes: Uint8Array): ReadonlyMap<string, string> {
  try {
    return parseChecksums(new TextDecoder().decode(bytes));
  } catch (thrown) {
    throw new UpdateProblem(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Writes the verified archive to `path`, which must not exist. Throws UpdateProblem, and what the file system throws. */
export async function downloadArchive(
  source: ReleaseSource,
  { version, archive }: { version: string; archive: ReleasedArchive },
  path: string,
): Promise<void> {
  if (archive.size > maxArchiveBytes)
    throw new UpdateProblem(`${archive.name} is larger than any program of ours`);
  const hash = createHash("sha256");
  let bytes = 0;
  const file = await open(path, "wx", 0o600);
  try {
    const address = releaseFile(source.base, archive.name, version);
    for await (const piece of pieces(source, address, { most: archive.size, version })) {
      hash.update(piece);
      bytes += piece.byteLength;
      await file.writeFile(piece);
      source.onProgress(bytes, archive.size);
    }
  } finally {
    await file.close();
  }
  if (bytes !== archive.size)
    throw new UpdateProblem(`${archive.name} ended after ${bytes} bytes of ${archive.size}`);
  if (hash.digest("hex") !== archive.sha256)
    throw new UpdateProblem(
      `the checksum of ${archive.name} is WRONG: the download is damaged, or was changed`,
    );
}

async function read(source: ReleaseSource, address: string, version: string | null): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces(source, address, { most: maxListBytes, version })) parts.push(piece);
  return Buffer.concat(parts);
}

async function* pieces(
  source: ReleaseSource,
  address: string,
  { most, version }: { most: number; version: string | null },
): AsyncGenerator<Uint8Array, void, void> {
  const { signal, clock = systemClock } = source;
  const stalled = new AbortController();
  const both = AbortSignal.any([signal, stalled.signal]);
  let cancel = (): void => undefined;
  const wait = (): void => {
    cancel();
    cancel = clock.setTimer(stalledMs, () => stalled.abort());
  };
  const failed = (thrown: unknown): UpdateProblem => {
    if (thrown instanceof UpdateProblem) return thrown;
    if (signal.aborted) return new UpdateProblem("interrupted");
    if (stalled.signal.aborted) return new UpdateProblem(`${address} sent nothing for ${stalledMs / 1000} s`);
    return new UpdateProblem(`${address} could not be downloaded: the connection failed`);
  };
  try {
    wait();
    const answer = await ask(source, address, both).catch((thrown: unknown) => {
      throw failed(thrown);
    });
    if (answer.status === 404)
      throw new UpdateProblem(
        `${address} is not there${version === null ? "" : `: is there a version ${version}?`}`,
      );
    if (!answer.ok || answer.body === null)
      throw new UpdateProblem(`${address} was answered with status ${answer.status}`);
    let bytes = 0;
    const reader = answer.body.getReader();
    for (;;) {
      wait();
      const { done, value } = await reader.read().catch((thrown: unknown) => {
        throw failed(thrown);
      });
      if (done) return;
      bytes += value.byteLength;
      if (bytes > most) {
        await reader.cancel().catch(() => undefined);
        throw new UpdateProblem(`${address} is larger than it may be (${most} bytes)`);
      }
      yield value;
    }
  } finally {
    cancel();
    // Whoever stopped reading wants no more of it.
    stalled.abort();
  }
}

/** Redirects are followed here: each address is checked before it is asked. */
async function ask(source: ReleaseSource, address: string, signal: AbortSignal): Promise<Response> {
  let next = address;
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const url = allowedAddress(next, hops === 0);
    if (url === null)
      throw new UpdateProblem(
        `${next.slice(0, 200).replace(/\/\/[^/]*@/, "//")} is not asked: releases come over https (http only from this machine)`,
      );
    const proxy = proxyFor(url, null, source.proxies);
    const answer = await source.fetch(url.href, {
      redirect: "manual",
      signal,
      headers: { "user-agent": source.userAgent, "accept-encoding": "identity" },
      decompress: false,
      ...(proxy === null ? {} : { proxy }),
    });
    const location = answer.headers.get("location");
    if (answer.status < 300 || answer.status >= 400 || location === null) return answer;
    await answer.body?.cancel();
    next = URL.canParse(location, url.href) ? new URL(location, url.href).href : location;
  }
  throw new UpdateProblem(`${address} leads from one address to the next without end`);
}
