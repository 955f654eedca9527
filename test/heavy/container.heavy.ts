// The container image, built by buildah and run as the first process of its own namespaces: read-only root, a user without rights, a key
// that is shown once, the health check, the clean end. The base image cannot be fetched everywhere: a stand-in has the same parts, the
// C library and the CA certificates of this machine. And the Helm chart, rendered and checked against Kubernetes' schemas.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parseAllDocuments } from "yaml";
import { binaryPath } from "../support/binary.ts";
import { Cleanups } from "../support/cleanups.ts";
import { runProgram } from "../support/program-run.ts";

const cleanups = new Cleanups();
afterAll(() => cleanups.run());
const root = join(import.meta.dir, "..", "..");
const packaging = join(root, "scripts", "packaging");
const canBuild =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  ["buildah", "unshare", "nsenter", "chroot", "ldd"].every((name) => Bun.which(name) !== null);
const user = 65532;

async function run(argv: readonly string[], cwd = root): Promise<string> {
  const said = await runProgram(argv, { cwd, env: process.env, timeoutMs: 240_000 });
  if (said.code !== 0) throw new Error(`${argv.join(" ")}\n${said.stdout}${said.stderr}`);
  return said.stdout.trim();
}

describe.skipIf(!canBuild)("the image", () => {
  let mounted = "";
  let image: {
    User: string;
    Env: string[];
    Cmd: string[];
    Entrypoint: string[];
    Healthcheck: { Test: string[] };
  };
  const architecture = process.arch === "x64" ? "amd64" : process.arch;

  beforeAll(async () => {
    const folder = cleanups.folder("clawgate-image-");
    const store = [
      "--root",
      join(folder, "root"),
      "--runroot",
      join(folder, "run"),
      "--storage-driver",
      "vfs",
    ];
    const buildah = (...args: readonly string[]) => run(["buildah", ...store, ...args]);
    const base = join(folder, "base");
    const libraries = (await run(["ldd", binaryPath()])).matchAll(/(\/\S+\.so\S*) \(0x/g);
    for (const [, library = ""] of libraries) {
      mkdirSync(join(base, dirname(library)), { recursive: true });
      cpSync(realpathSync(library), join(base, library));
    }
    mkdirSync(join(base, "tmp"));
    chmodSync(join(base, "tmp"), 0o1777);
    mkdirSync(join(base, "proc"));
    writeFileSync(join(folder, "Base"), "FROM scratch\nCOPY base /\nENV PATH=/usr/bin\nUSER 65532\n");
    const isolated = ["--isolation", "chroot", "--format", "docker", "--platform", `linux/${architecture}`];
    await buildah("bud", ...isolated, "-f", join(folder, "Base"), "-t", "localhost/stand-in:base", folder);

    const program = join(folder, "context", "program", architecture);
    mkdirSync(program, { recursive: true });
    mkdirSync(join(folder, "context", "data"));
    cpSync(binaryPath(), join(program, "clawgate"));
    cpSync(join(root, "LICENSE"), join(program, "LICENSE"));
    const dockerfile = ["-f", join(packaging, "container", "Dockerfile")];
    const choices = [
      "--build-context",
      `program=${join(folder, "context")}`,
      "--build-arg",
      "BASE_IMAGE=localhost/stand-in:base",
    ];
    await buildah(
      "bud",
      ...isolated,
      ...choices,
      ...dockerfile,
      "-t",
      "localhost/clawgate:test",
      join(packaging, "container"),
    );
    const about = JSON.parse(await buildah("inspect", "--type", "image", "localhost/clawgate:test")) as {
      Docker: { config: typeof image };
    };
    image = about.Docker.config;
    const container = await buildah("from", "--pull-never", "localhost/clawgate:test");
    mounted = await buildah("mount", container);
    cleanups.push(() => buildah("umount", container));
  }, 240_000);

  test("it is checked, has a user without rights, and a folder that this user may write to", () => {
    expect(image.User).toBe(`${user}:${user}`);
    expect(image.Healthcheck.Test).toEqual(["CMD", "/usr/bin/clawgate", "health"]);
    expect([...image.Entrypoint, ...image.Cmd]).toEqual(["/usr/bin/clawgate", "serve"]);
    expect(existsSync(join(mounted, "bin", "sh"))).toBe(false);
  });

  /** As a runtime does it: `image`'s variables and user, its own processes and mounts, a root that cannot be written to. */
  async function started(volume: string) {
    const words = [...image.Env, "PORT=0"].map((each) => `'${each}'`).join(" ");
    const inside = `/usr/sbin/chroot --userspec=${user}:${user} --groups= ${mounted}`;
    const script = [
      "set -e",
      `mount --bind ${mounted} ${mounted}`,
      `mount --bind ${volume} ${mounted}/data`,
      `mount -t proc proc ${mounted}/proc`,
      `mount -t tmpfs -o mode=1777 tmpfs ${mounted}/tmp`,
      `mount -o remount,bind,ro ${mounted}`,
      `cd / && exec env -i ${words} ${inside} ${[...image.Entrypoint, ...image.Cmd].join(" ")}`,
    ].join("\n");
    const child = Bun.spawn(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], {
      stdout: "pipe",
      stderr: "pipe",
    });
    cleanups.push(() => child.kill("SIGKILL"));
    const output = new Response(child.stdout).text();
    const runPath = join(volume, "state", "run.json");
    for (let tries = 0; tries < 600 && !existsSync(runPath); tries++) await Bun.sleep(50);
    const { url } = JSON.parse(readFileSync(runPath, "utf8")) as { url: string };
    const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim());
    const command = (...args: readonly string[]) =>
      runProgram(
        [
          "nsenter",
          "-t",
          String(pid),
          "-m",
          "-p",
          "sh",
          "-c",
          `exec env -i ${words} ${inside} ${args.join(" ")}`,
        ],
        { cwd: "/", env: process.env, timeoutMs: 20_000 },
      );
    const stop = async () => {
      process.kill(pid, "SIGTERM");
      return { code: await child.exited, output: await output };
    };
    return { port: new URL(url).port, pid, command, stop };
  }

  const statusWith = async (port: string, key: string): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { "x-api-key": key } });
    await answer.text();
    return answer.status;
  };

  test("it serves as the first process, without rights, makes its key once, and ends in order", async () => {
    const volume = cleanups.folder("clawgate-volume-");
    chownSync(volume, user, user);
    const first = await started(volume);
    const status = readFileSync(`/proc/${first.pid}/status`, "utf8");
    expect(status).toMatch(new RegExp(`^Uid:\\t${user}\\t${user}\\t`, "m"));
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NSpid:\t\d+\t1$/m);
    expect((await fetch(`http://127.0.0.1:${first.port}/health`)).status).toBe(200);
    expect(await first.command(...image.Healthcheck.Test.slice(1))).toMatchObject({ code: 0 });
    expect(await statusWith(first.port, "none")).toBe(401);
    const ended = await first.stop();
    expect(ended.code).toBe(0);
    const key = /^ {4}([0-9a-f]{64})$/m.exec(ended.output)?.[1] ?? "";
    expect(key).not.toBe("");

    const second = await started(volume);
    expect(await statusWith(second.port, key)).toBe(200);
    expect((await second.stop()).output).not.toMatch(/^ {4}[0-9a-f]{64}$/m);
  }, 60_000);
});

describe.skipIf(Bun.which("helm") === null)("the Helm chart", () => {
  const chart = join(packaging, "helm", "clawgate");
  const render = (...options: readonly string[]) =>
    run(["helm", "template", "gate", chart, "--namespace", "ai", "--kube-version", "1.31.0", ...options]);
  type Rendered = { readonly kind: string; readonly spec: Record<string, never> };
  const documentsOf = (text: string) =>
    parseAllDocuments(text).flatMap((each) => (each.contents === null ? [] : [each.toJS() as Rendered]));
  const whole = [
    "--set",
    "clientKeys.existingSecret=keys,providerSecrets[0].name=vendors,ingress.enabled=true,ingress.host=ai.example.org,ingress.tlsSecret=tls,ingress.className=nginx",
    "--set-string",
    "config=providers: {}",
  ];
  const bare = ["--set", "persistence.enabled=false,serviceAccount.create=false,existingConfigMap=mine"];

  test("it passes its own lint; a value that does not exist is refused", async () => {
    await run(["helm", "lint", "--strict", chart]);
    const wrong = runProgram(
      ["helm", "template", "x", chart, "--kube-version", "1.31.0", "--set", "replicas=3"],
      {
        cwd: root,
        env: process.env,
        timeoutMs: 20_000,
      },
    );
    expect((await wrong).code).not.toBe(0);
  });

  test("one replica, no rights, secrets by name only, and the names by which it is called", async () => {
    const text = await render(...whole);
    const [set] = documentsOf(text).filter(({ kind }) => kind === "StatefulSet");
    expect(set?.spec).toMatchObject({
      replicas: 1,
      template: {
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: user, fsGroup: user },
          containers: [
            {
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
              envFrom: [{ secretRef: { name: "vendors" } }],
              livenessProbe: { httpGet: { path: "/health" } },
            },
          ],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: "data" } }],
    });
    expect(text).toContain(
      "gate-clawgate,gate-clawgate.ai,gate-clawgate.ai.svc,gate-clawgate.ai.svc.cluster.local,ai.example.org",
    );
  });

  test.skipIf(Bun.which("kubernetes-validate") === null)(
    "Kubernetes' own schemas accept it, old and new",
    async () => {
      const folder = cleanups.folder("clawgate-helm-");
      const validate = (version: string, path: string) =>
        runProgram(["kubernetes-validate", "--strict", "-k", version, path], {
          cwd: folder,
          env: process.env,
          timeoutMs: 60_000,
        });
      for (const [index, options] of [[], whole, bare].entries()) {
        const path = join(folder, `${index}.yaml`);
        writeFileSync(path, await render(...options));
        for (const version of ["1.25", "1.31", "1.37"]) {
          const said = await validate(version, path);
          expect(said.code, said.stdout + said.stderr).toBe(0);
        }
      }
      const wrong = join(folder, "wrong.yaml");
      writeFileSync(wrong, (await render()).replace("replicas: 1", "replica: 1"));
      expect((await validate("1.31", wrong)).code).not.toBe(0);
    },
    120_000,
  );
});
