// What the owner decided about a service: scope, program, arguments, variables. It is kept in a comment of the unit, so that a newer
// version can write the same service again. It must never hold a secret: everybody may read a unit.

import { join } from "node:path";
import { z } from "zod";
import { absoluteEntries, findOnPath } from "../system/process.ts";
import { type Machine, type Scope, ServiceProblem } from "./machine.ts";

const planSchema = z.strictObject({
  scope: z.enum(["user", "system"]),
  /** launchd's daemon only: whom it runs as. systemd's system service runs as `clawgate`. */
  user: z.string().nullable(),
  /** The program, and for a run from the sources its arguments. */
  program: z.array(z.string().min(1)).min(1),
  /** After `serve`. */
  args: z.array(z.string()),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()),
});

export type ServicePlan = z.infer<typeof planSchema>;

/** Without the greeting for a terminal. */
export const serveWords = ["serve", "--json-log"] as const;
/** The gateway itself knows how long requests may take; no limit of this command may be the shorter one. */
export const stopWords = ["stop", "--timeout", "3600"] as const;

const label = "clawgate-service:";

/** One line without "--", which would end a comment of XML. */
export const planComment = (plan: ServicePlan): string =>
  `${label} ${JSON.stringify(plan).replaceAll("-", String.raw`\u002d`)}`;

/** Null: `clawgate service install` did not write this text. */
export function planIn(text: string): ServicePlan | null {
  const line = text.split("\n").find((each) => each.includes(label));
  if (line === undefined) return null;
  const json = line.slice(line.indexOf(label) + label.length).replace(/-->\s*$/, "");
  try {
    return planSchema.parse(JSON.parse(json));
  } catch {
    // Edited by hand: then it is the owner's own unit.
    return null;
  }
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Places, not secrets: without them the service would use other files than the shell's commands. */
const placeNames = [
  "XDG_CONFIG_HOME",
  "XDG_STATE_HOME",
  "XDG_DATA_HOME",
  "CLAWGATE_STATE_DIR",
  "CLAWGATE_DB_PATH",
  "CLAUDE_CONFIG_DIR",
];
const networkName =
  /^(?:(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS|NODE_USE_SYSTEM_CA)$/;
export const isNetworkName = (name: string): boolean => networkName.test(name);
const keyName = /(?:_API_KEY|_AUTH_TOKEN|_OAUTH_TOKEN|_SECRET_KEY|_ACCESS_KEY_ID)$/;

function isHidden({ platform }: Machine, scope: Scope, path: string): boolean {
  return (
    scope === "system" &&
    platform !== "darwin" &&
    /^\/(?:home|root|run\/user|tmp|var\/tmp|Users)\//.test(path)
  );
}

/** The variables of the service's own text. */
export function plannedVariables(machine: Machine, scope: Scope): Record<string, string> {
  const { environment, root } = machine;
  if (scope === "system" && machine.platform === "darwin")
    return { PATH: `/opt/homebrew/bin:${systemPath}`, HOME: serviceHome(machine, scope) };
  if (scope === "system")
    return {
      PATH: systemPath,
      CLAWGATE_STATE_DIR: `${root}/var/lib/clawgate`,
      XDG_CONFIG_HOME: `${root}/etc`,
      XDG_DATA_HOME: `${root}/var/lib`,
    };
  const places = placeNames.flatMap((name) => {
    const value = environment[name];
    return value === undefined || !value.startsWith("/") ? [] : [[name, value] as const];
  });
  return {
    PATH: userPath(machine),
    ...Object.fromEntries(places),
    // launchd reads no file of variables. A proxy's address with a password stays out: everybody may read the plist.
    ...(machine.platform === "darwin" ? withoutPasswords(networkVariables(machine, scope)) : {}),
  };
}

const withoutPasswords = (variables: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => !value.includes("@")));

/** macOS makes no users for services: its daemon runs as whoever called sudo. Throws ServiceProblem. */
export function serviceUser(machine: Machine, scope: Scope): string | null {
  if (machine.platform !== "darwin" || scope === "user") return null;
  const user = machine.environment["SUDO_USER"] ?? "";
  if (/^[A-Za-z_][A-Za-z0-9._-]{0,63}$/.test(user) && user !== "root") return user;
  throw new ServiceProblem(
    "a daemon of macOS runs as the user who installs it with sudo: sudo clawgate service install --system, not as root itself",
  );
}

export function serviceHome(machine: Machine, scope: Scope): string {
  const user = serviceUser(machine, scope);
  return user === null ? machine.homeDirectory : `/Users/${user}`;
}

/** The shell's own, so that `claude` and other programs are found, without doubles. */
function userPath({ environment, homeDirectory }: Machine): string {
  const shell = absoluteEntries(environment["PATH"] ?? "").split(":");
  const usual = [join(homeDirectory, ".local/bin"), ...systemPath.split(":")];
  return [...new Set([...shell, ...usual])].filter((each) => each !== "" && !/\p{Cc}/u.test(each)).join(":");
}

/** Proxies and certificates of the shell: without them many networks cannot be left. May hold the password of a proxy. */
export function networkVariables(machine: Machine, scope: Scope): Readonly<Record<string, string>> {
  const found = Object.entries(machine.environment).filter(
    (entry): entry is [string, string] =>
      networkName.test(entry[0]) && entry[1] !== undefined && entry[1] !== "" && !/\p{Cc}/u.test(entry[1]),
  );
  return Object.fromEntries(found.filter(([, value]) => !isHidden(machine, scope, value)));
}

/** What the service will not have of the shell, and what else is worth knowing: a sentence each. */
export function planNotes(machine: Machine, plan: ServicePlan): readonly string[] {
  const { environment } = machine;
  const keys = Object.keys(environment).filter((name) => keyName.test(name) && environment[name]);
  const notes: string[] = [];
  const place =
    plan.scope === "system" && plan.user === null ? "/etc/clawgate/.env" : "the .env beside your config.yaml";
  if (keys.length > 0)
    notes.push(
      `${keys.toSorted().slice(0, 20).join(", ")}: set in this shell, and the service does not get it. Keys belong in ${place} (mode 0600)`,
    );
  const network = networkVariables(machine, plan.scope);
  const isFileless = machine.platform === "darwin";
  const carried = Object.keys(isFileless ? withoutPasswords(network) : network);
  if (carried.length > 0) notes.push(`${carried.toSorted().join(", ")}: carried over from this shell`);
  const left = Object.keys(network).filter((name) => !carried.includes(name));
  if (left.length > 0)
    notes.push(
      `${left.toSorted().join(", ")}: not carried over, because it holds a password. It belongs in ${place}`,
    );
  if (findOnPath("claude", plan.environment["PATH"]) === null)
    notes.push(
      `claude is not on the service's PATH. That matters only for a provider with Claude Code: its "command" may be an absolute path`,
    );
  if (plan.scope === "user" && machine.uid === 0)
    notes.push(
      "you are root, so this is a service of root's own session and runs as root. --system runs it as the user clawgate",
    );
  if (plan.scope === "system" && plan.user === null)
    notes.push(
      "it has no home of a person: Claude Code's sign-in and its jail need a user service (--user), as clawgate help services says",
    );
  return notes;
}

/** Throws ServiceProblem if the service could not start this program. */
export function assertReachable(machine: Machine, plan: ServicePlan): void {
  const [program = ""] = plan.program;
  if (/\p{Cc}/u.test([...plan.program, ...plan.args].join("")))
    throw new ServiceProblem("a path with a control character cannot be written into a unit");
  if (machine.platform === "linux" && /["'\\]/.test(program))
    throw new ServiceProblem(`systemd starts no program with a quote or a backslash in its path: ${program}`);
  if (program.includes("/_npx/"))
    throw new ServiceProblem(
      "this program lies in npx's cache, which npm empties. Install it first (npm install -g clawgate), then run this again",
    );
  const hidden = [...plan.program, ...plan.args].find((each) => isHidden(machine, plan.scope, each));
  if (hidden === undefined) return;
  const sudo = machine.uid === 0 ? "" : "sudo ";
  const remedy =
    hidden === program
      ? `${sudo}install -m 755 ${program} /usr/local/bin/clawgate && ${sudo}/usr/local/bin/clawgate service install --system`
      : `${sudo}install -m 600 -o clawgate FILE /etc/clawgate/config.yaml, which is found without --config`;
  throw new ServiceProblem(
    `${hidden} lies in a folder that the system service cannot see (ProtectHome, PrivateTmp). Move it:\n  ${remedy}`,
  );
}
