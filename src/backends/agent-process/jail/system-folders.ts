// The parts of the machine that every jail shows: the system's programs and libraries, read-only, and the few files of /etc
// that programs need. It must never bind /etc, /var, /run, /home or /root as they are.

import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";

/** Besides /usr: links into it on most systems, separate folders on some. */
const rootFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec"];
/** Where the whole system is on NixOS and Guix. */
const stores = ["/nix/store", "/gnu/store"];
const systemLinks = ["/run/current-system", "/run/opengl-driver"];

/** They contain neither names of people nor keys: /etc/ssl/private and /etc/pki/tls/private stay outside. */
const settings = [
  "alternatives",
  "bash.bashrc",
  "ca-certificates",
  "ca-certificates.conf",
  "crypto-policies",
  "fonts",
  "gai.conf",
  "host.conf",
  "inputrc",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "locale.alias",
  "locale.conf",
  "localtime",
  "magic",
  "mime.types",
  "os-release",
  "pki/ca-trust",
  "pki/tls/cert.pem",
  "pki/tls/certs",
  "pki/tls/openssl.cnf",
  "protocols",
  "services",
  "ssl/ca-bundle.pem",
  "ssl/cert.pem",
  "ssl/certs",
  "ssl/openssl.cnf",
  "static/ssl",
  "terminfo",
  "timezone",
];

/** Arguments of bubblewrap. Missing paths are left out. */
export function systemMounts(): readonly string[] {
  return [
    ...readOnly("/usr"),
    ...rootFolders.flatMap((name) => asItIs(`/${name}`)),
    ...stores.flatMap(readOnly),
    ...systemLinks.flatMap((path) => (isLink(path) ? asItIs(path) : [])),
    ...settings.flatMap((name) => readOnly(join("/etc", name))),
  ];
}

/** The folders of `systemMounts`, which every jail shows. */
export const systemFolders: readonly string[] = ["/usr", ...rootFolders.map((name) => `/${name}`), ...stores];

/** Kernel settings, which uid 0 may write even without administrator rights. */
const kernelSettings = ["sys", "sysrq-trigger", "irq", "bus", "fs"];
const kernelMemory = ["kcore", "keys", "key-users", "timer_list", "sched_debug", "kpagecount", "kpageflags"];

/** Mounted over a new /proc. */
export function kernelMounts(): readonly string[] {
  const isThere = (name: string): boolean =>
    lstatSync(`/proc/${name}`, { throwIfNoEntry: false }) !== undefined;
  return [
    ...kernelSettings.filter(isThere).flatMap((name) => ["--ro-bind", `/proc/${name}`, `/proc/${name}`]),
    ...kernelMemory.filter(isThere).flatMap((name) => ["--ro-bind", "/dev/null", `/proc/${name}`]),
  ];
}

function readOnly(path: string): readonly string[] {
  try {
    // The link's target need not exist inside.
    return ["--ro-bind", realpathSync(path), path];
  } catch {
    return [];
  }
}

function asItIs(path: string): readonly string[] {
  return isLink(path) ? ["--symlink", readlinkSync(path), path] : readOnly(path);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

export type OwnFile = { readonly name: string; readonly target: string; readonly text: string };

/** Instead of the machine's own, which name all users and hosts. */
export function ownFiles(user: {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}): readonly OwnFile[] {
  const { uid, gid, home } = user;
  const people = [
    ...(uid === 0 ? [] : ["root:x:0:0:root:/:/bin/sh"]),
    `${uid === 0 ? "root" : "user"}:x:${uid}:${gid}::${home.replace(/[:\n]/g, "_")}:/bin/sh`,
    ...(uid === 65534 ? [] : ["nobody:x:65534:65534:nobody:/:/bin/false"]),
  ];
  const groups = [...(gid === 0 ? [] : ["root:x:0:"]), `${gid === 0 ? "root" : "user"}:x:${gid}:`];
  const file = (target: string, lines: readonly string[]): OwnFile => ({
    name: target.slice("/etc/".length),
    target,
    text: `${lines.join("\n")}\n`,
  });
  return [
    file("/etc/passwd", people),
    file("/etc/group", groups),
    file("/etc/hosts", ["127.0.0.1 localhost", "::1 localhost"]),
    file("/etc/nsswitch.conf", ["passwd: files", "group: files", "hosts: files dns"]),
  ];
}
