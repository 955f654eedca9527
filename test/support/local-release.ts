// A release of a version as the release tool makes it, signed with a key of its own and served on loopback: the programs in it are small
// shell scripts unless a test passes a real one. Whatever a hostile server could do to a file is done by `spoil`.

import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { archiveName, type ReleaseManifest } from "../../src/updates/release-files.ts";

export type ReleaseKey = { readonly publicPem: string; readonly privateKey: KeyObject };

export function newReleaseKey(): ReleaseKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(), privateKey };
}

export type ReleaseOptions = {
  readonly version: string;
  /** The program of each target, as its bytes or as a shell script. */
  readonly programs: Readonly<Record<string, Uint8Array | string>>;
  /** Instead of the usual entries of an archive. */
  readonly entries?: readonly TarEntry[];
  /** Instead of the whole compressed archive: what the release tool would sign. */
  readonly repack?: (archive: Uint8Array) => Uint8Array;
};

/** Answers `version` as the program does. */
export const standIn = (version: string): string => `#!/bin/sh\necho "clawgate ${version} (0123456789ab)"\n`;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const file = (name: string, body: Uint8Array, mode: number): TarEntry => ({
  header: { name, size: body.byteLength, type: "file", mode, mtime: new Date(0) },
  body,
});

async function archiveOf(program: Uint8Array, options: ReleaseOptions): Promise<Uint8Array> {
  const text = new TextEncoder().encode("text\n");
  const usual = [
    file("clawgate", program, 0o755),
    ...["README.md", "LICENSE", "THIRD-PARTY-LICENSES.txt"].map((name) => file(name, text, 0o644)),
  ];
  const packed = gzipSync(await packTar([...(options.entries ?? usual)]), { level: 1 });
  return options.repack?.(packed) ?? packed;
}

/** Every file of the release, by name. */
export async function releaseFiles(
  options: ReleaseOptions,
  key: ReleaseKey,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const listed: ReleaseManifest["files"] = [];
  for (const [target, given] of Object.entries(options.programs)) {
    const program = typeof given === "string" ? new TextEncoder().encode(given) : given;
    const archive = await archiveOf(program, options);
    const name = archiveName(target);
    files.set(name, archive);
    listed.push({
      name,
      target,
      size: archive.byteLength,
      program_size: program.byteLength,
      sha256: sha256(archive),
    });
  }
  const manifest: ReleaseManifest = {
    version: options.version,
    commit: "0123456789ab",
    commit_time: "2026-11-30T12:00:00.000Z",
    files: listed,
  };
  files.set("release.json", new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  const sums = [...files].map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`).join("");
  files.set("SHA256SUMS", new TextEncoder().encode(sums));
  files.set("SHA256SUMS.sig", sign(null, new TextEncoder().encode(sums), key.privateKey));
  return files;
}

export type Spoiled = Uint8Array | Response | null;

export type LocalRelease = {
  /** For CLAWGATE_RELEASE_URL. */
  readonly url: string;
  readonly key: ReleaseKey;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** The newest of these is what `latest` leads to. */
  publish(options: ReleaseOptions, key?: ReleaseKey): Promise<void>;
  /** A file that is beside the release and not in its list, for every version. */
  addFile(name: string, text: string): void;
  /** Another answer for every file of that name; null: there is none. */
  spoil(name: string, answer: (bytes: Uint8Array) => Spoiled | Promise<Spoiled>): void;
  stop(): void;
};

export function startLocalRelease(): LocalRelease {
  const key = newReleaseKey();
  const versions = new Map<string, ReadonlyMap<string, Uint8Array>>();
  const spoilers = new Map<string, Parameters<LocalRelease["spoil"]>[1]>();
  const added = new Map<string, Uint8Array>();
  const asked: string[] = [];
  let latest = "";
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const [, version = latest, name = ""] =
        /^\/(?:latest\/download|download\/v([^/]+))\/([^/]+)$/.exec(pathname) ?? [];
      const bytes = versions.get(version)?.get(name) ?? added.get(name);
      if (bytes === undefined) return new Response("not found", { status: 404 });
      const answer = (await spoilers.get(name)?.(bytes)) ?? (spoilers.has(name) ? null : bytes);
      if (answer === null) return new Response("not found", { status: 404 });
      return answer instanceof Response ? answer : new Response(Buffer.from(answer));
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    key,
    asked,
    async publish(options, other = key) {
      versions.set(options.version, await releaseFiles(options, other));
      latest = options.version;
    },
    addFile: (name, text) => void added.set(name, new TextEncoder().encode(text)),
    spoil: (name, answer) => void spoilers.set(name, answer),
    stop: () => void server.stop(true),
  };
}
