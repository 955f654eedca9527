// The program behind fakeDocker: one process per call, like the real one. Commands inside a "container" run on this machine with
// the container's folder as their root, without a shell of ours.

import { appendFileSync, cpSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, posix } from "node:path";
import type { FakeContainer, FakeDockerOptions } from "./docker.ts";

const home = process.env["FAKE_DOCKER"] ?? "";
const args = process.argv.slice(2);
appendFileSync(join(home, "argv.log"), `${JSON.stringify(args)}\n`);
const world = JSON.parse(readFileSync(join(home, "world.json"), "utf8")) as {
  readonly containers: readonly FakeContainer[];
  readonly options: FakeDockerOptions;
};
const { containers, options } = world;

function fail(words: string, code = 1): never {
  process.stderr.write(`${words}\n`);
  process.exit(code);
}

function containerNamed(name: string | undefined): FakeContainer {
  return containers.find((each) => each.name === name) ?? fail(`Error: No such object: ${name}`);
}

/** A path inside the container as a path on this disk. */
function outside(container: FakeContainer, inside: string): string {
  const path = posix.normalize(inside);
  const mount = (container.mounts ?? [])
    .filter(({ destination }) => path === destination || path.startsWith(`${destination}/`))
    .toSorted((left, right) => right.destination.length - left.destination.length)[0];
  if (mount !== undefined) return join(mount.source, path.slice(mount.destination.length));
  return join(container.root ?? fail("the container has no file system"), path);
}

function described(container: FakeContainer): object {
  const { name, image, state, labels, mounts, env, networkMode } = container;
  return {
    Id: `id-${name}`,
    Name: `/${name}`,
    State: { Status: state ?? "running", Running: (state ?? "running") === "running" },
    Config: {
      Image: image ?? "ghcr.io/openclaw/openclaw:latest",
      Labels: labels ?? {},
      Env: Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}`),
    },
    HostConfig: { NetworkMode: networkMode ?? "bridge" },
    Mounts: (mounts ?? []).map(({ source, destination, isReadOnly }) => ({
      Type: "bind",
      Source: source,
      Destination: destination,
      RW: isReadOnly !== true,
    })),
  };
}

async function execute(rest: readonly string[]): Promise<never> {
  const words = [...rest];
  const flagsWithValue = new Set(["-u", "--user", "-w", "--workdir", "-e", "--env"]);
  while (words[0]?.startsWith("-")) if (flagsWithValue.has(words.shift() ?? "")) words.shift();
  const container = containerNamed(words.shift());
  if ((container.state ?? "running") !== "running") fail(`Error: container ${container.name} is not running`);
  const command = words.map((word) => (word.startsWith("/") ? outside(container, word) : word));
  const child = Bun.spawn(command, {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...container.env },
  });
  process.exit(await child.exited);
}

async function copy(rest: readonly string[]): Promise<never> {
  const [from = "", to = ""] = rest.filter((word) => word === "-" || !word.startsWith("-"));
  const place = (word: string): { readonly path: string; readonly isInside: boolean } => {
    const colon = word.indexOf(":");
    if (colon <= 0 || word.startsWith("/")) return { path: word, isInside: false };
    return {
      path: outside(containerNamed(word.slice(0, colon)), word.slice(colon + 1)),
      isInside: true,
    };
  };
  if (to === "-") {
    const source = place(from).path;
    // As the real one: the archive contains the folder under its own name.
    const parent = source.endsWith("/.") ? source.slice(0, -2) : join(source, "..");
    const name = source.endsWith("/.") ? "." : basename(source);
    process.exit(await Bun.spawn(["tar", "-C", parent, "-cf", "-", name], { stdout: "inherit" }).exited);
  }
  if (from === "-")
    process.exit(await Bun.spawn(["tar", "-C", place(to).path, "-xf", "-"], { stdin: "inherit" }).exited);
  const source = place(from).path.replace(/\/\.$/, "");
  const target = place(to).path;
  const isContents = from.endsWith("/.");
  const isFolder = statSync(source).isDirectory();
  const into = !isContents && isFolder && existsAsFolder(target) ? join(target, basename(source)) : target;
  mkdirSync(join(into, ".."), { recursive: true });
  cpSync(source, !isFolder && existsAsFolder(into) ? join(into, basename(source)) : into, {
    recursive: true,
  });
  process.exit(0);
}

function existsAsFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

if (options.isDown === true)
  fail("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?");
if (options.failOn !== undefined && args.join(" ").includes(options.failOn)) fail("scripted failure");

const [verb, ...rest] = args;
const shown = rest.filter((word) => !word.startsWith("-"));
if (verb === "ps") {
  const all = rest.includes("-a") || rest.includes("--all");
  for (const container of containers) {
    const state = container.state ?? "running";
    if (state !== "running" && !all) continue;
    const labels = Object.entries(container.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    process.stdout.write(
      `${JSON.stringify({
        ID: `id-${container.name}`,
        Names: container.name,
        Image: container.image ?? "ghcr.io/openclaw/openclaw:latest",
        State: state,
        Labels: labels.join(","),
      })}\n`,
    );
  }
} else if (verb === "inspect")
  process.stdout.write(
    `${JSON.stringify(
      shown
        .filter((word) => word !== "container")
        .map((name) => containerNamed(name.replace(/^id-/, "")))
        .map(described),
    )}\n`,
  );
else if (verb === "network" && rest[0] === "inspect") {
  const gateway = options.bridgeGateway === undefined ? "172.17.0.1" : options.bridgeGateway;
  if (gateway === null) fail(`Error: No such network: ${rest[1]}`);
  process.stdout.write(`${JSON.stringify([{ Name: rest[1], IPAM: { Config: [{ Gateway: gateway }] } }])}\n`);
} else if (verb === "exec") await execute(rest);
else if (verb === "cp") await copy(rest);
else fail(`docker: '${verb}' is not a docker command`, 125);
