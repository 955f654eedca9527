// Runs the two processes of the self-test in parallel: a long session that checks nearly everything, and a short one
// that ends by itself. Each has its own folders and knows only the address of its fake API.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../system/clock.ts";
import { isRecord } from "../../../dialects/decoding.ts";
import { userLine } from "../../../dialects/claude-code/protocol-lines.ts";
import { ProcessGone, startProcess } from "../../../system/live-process.ts";
import { encodeLine } from "../../../wire/ndjson.ts";
import { startAgentProcess } from "../../agent-process/child-process.ts";
import { type ClaudeLaunch, hasOwnKey, launchOf, plainSwitch } from "../launch.ts";
import type { Workspace } from "../workspace.ts";
import type { CheckResult, Verdicts } from "./behaviour-checks.ts";
import { type FakeApi, startFakeApi } from "./fake-api.ts";
import { fileTold, runSession } from "./long-session.ts";

export type SelfTestOptions = {
  /** The configured program: `auth status` runs with its program, home, configuration folder and variables. */
  readonly workspace: Workspace;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Only the program, its version and its login. */
  readonly isQuick: boolean;
  /** Called for each check as it is decided. */
  readonly onVerdict?: (result: CheckResult) => void;
  readonly timeoutMs?: number;
  /** For one answer of the program. */
  readonly turnMs?: number;
  readonly clock?: Clock;
  /** Stops what runs; what was not checked by then is skipped. */
  readonly signal?: AbortSignal;
};

const wholeMs = 60_000;
const answerMs = 15_000;
const stopGraceMs = 2_000;
const model = "opus";

export function launchIn(
  options: SelfTestOptions,
  workspace: Workspace,
  thinking: "default" | "off",
): ClaudeLaunch {
  const { environment } = options;
  return launchOf({ workspace, model, thinking, serverTools: "none", environment, gatewayId: "self-test" });
}

/** The reason for what could not be checked. */
export async function checkBehaviours(
  options: SelfTestOptions,
  root: string,
  verdicts: Verdicts,
  clock: Clock,
): Promise<string> {
  const stopper = new AbortController();
  let isLate = false;
  const limitMs = options.timeoutMs ?? wholeMs;
  const cancel = clock.setTimer(limitMs, () => {
    isLate = true;
    stopper.abort();
  });
  const stop = (): void => stopper.abort();
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted === true) stop();
  try {
    const secret: Secret = { file: join(root, "secret.txt"), text: `secret-${crypto.randomUUID()}` };
    await writeFile(secret.file, secret.text);
    const session: Session = { options, root, verdicts, secret, signal: stopper.signal, clock };
    const [unseen, short] = await Promise.all([longSession(session), shortSession(session)]);
    // The long session checks it in the running process, the short one from the start; it must work both ways.
    if (unseen === null && short !== "unseen") {
      verdicts.say("thinking-off", short.thinking);
      verdicts.say("file-references", short.readsFiles ? fileTold : null);
    }
    if (options.signal?.aborted === true) return "it was interrupted";
    return isLate ? `not tried within ${Math.round(limitMs / 1000)} s` : (unseen ?? "it was not tried");
  } finally {
    cancel();
    options.signal?.removeEventListener("abort", stop);
  }
}

/** A file and its content. */
type Secret = { readonly file: string; readonly text: string };

/** What both sessions get. */
type Session = {
  readonly options: SelfTestOptions;
  readonly root: string;
  readonly verdicts: Verdicts;
  readonly secret: Secret;
  readonly signal: AbortSignal;
  readonly clock: Clock;
};

/** Folders of the test's own below `root`, and no way to anything but `api`. */
async function isolated(
  options: SelfTestOptions,
  root: string,
  name: string,
  api: FakeApi,
): Promise<SelfTestOptions> {
  const place = join(root, name);
  const served = options.workspace.env;
  const folders = {
    home: join(place, "home"),
    configDir: join(place, "config"),
    workingDir: join(place, "work"),
  };
  const temporary = join(place, "tmp");
  for (const folder of [...Object.values(folders), temporary])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  const nowhere = "http://127.0.0.1:9";
  return {
    ...options,
    // A program with its own reading of NO_PROXY would use the user's proxies even for loopback.
    environment: {
      PATH: options.environment["PATH"],
      LANG: options.environment["LANG"],
      TMPDIR: temporary,
      HTTP_PROXY: nowhere,
      HTTPS_PROXY: nowhere,
      NO_PROXY: "127.0.0.1,localhost",
    },
    workspace: {
      tenant: "self-test",
      bin: options.workspace.bin,
      ...folders,
      env: {
        ANTHROPIC_BASE_URL: api.url,
        ANTHROPIC_API_KEY: "self-test-no-key",
        // As when serving: with its own login the program is not started like this.
        ...(hasOwnKey(served) ? {} : { [plainSwitch]: "0" }),
        ...(served[plainSwitch] === undefined ? {} : { [plainSwitch]: served[plainSwitch] }),
      },
      pluginDirs: [],
      addDirs: [],
      permissionMode: null,
      jail: null,
    },
  };
}

/** Null when it finished, else what ended it. */
async function longSession(session: Session): Promise<string | null> {
  const { options, root, verdicts, signal, clock } = session;
  const { file: secretFile, text: secret } = session.secret;
  const api = startFakeApi();
  try {
    const own = await isolated(options, root, "a", api);
    const child = await startAgentProcess(launchIn(own, own.workspace, "default"), { clock });
    const stop = (): void => void child.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      const turnMs = options.turnMs ?? answerMs;
      const { workingDir } = own.workspace;
      await runSession({ child, api, verdicts, secretFile, secret, workingDir, turnMs, clock });
      return null;
    } finally {
      signal.removeEventListener("abort", stop);
      await child.stop();
    }
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    // Where nothing worked yet, this is the reason.
    verdicts.failed("start", why);
    return why;
  } finally {
    await api.stop();
  }
}

type Short = {
  /** What is wrong with switching thinking off, or null. */
  readonly thinking: string | null;
  readonly readsFiles: boolean;
};

/**
 * One good turn with thinking off from the start, one that fails, and the end of the input: how does it exit? It is started as for
 * a tenant with skills, whatever else is served: started plainly, it would not read files anyway.
 */
async function shortSession(session: Session): Promise<Short | "unseen"> {
  const { options, root, verdicts, secret, signal, clock } = session;
  const api = startFakeApi();
  try {
    const own = await isolated(options, root, "b", api);
    const weaker = { ...own.workspace, env: { ...own.workspace.env, [plainSwitch]: "0" } };
    const { bin, argv, env, cwd } = launchIn(own, weaker, "off");
    api.reply(
      { kind: "text", text: "ok" },
      { kind: "error", status: 400, type: "invalid_request_error", message: "the self-test refuses this" },
    );
    const child = startProcess([bin, ...argv], { env, cwd, clock });
    const stop = (): void => void child.stop({ graceMs: stopGraceMs });
    const cancel = clock.setTimer(2 * (options.turnMs ?? answerMs), stop);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    let code: number | null;
    try {
      for (const text of [`good is @${secret.file} indeed`, "bad"])
        await child.write(encodeLine(userLine([{ type: "text", text }], true)));
      await child.closeInput();
      while ((await child.read()) !== null);
      ({ code } = await child.exited);
    } catch (thrown) {
      if (!(thrown instanceof ProcessGone)) throw thrown;
      ({ code } = await child.exited);
    } finally {
      cancel();
      signal.removeEventListener("abort", stop);
      await child.stop({ graceMs: stopGraceMs });
    }
    const first = api.heard[0];
    if (code === null || first === undefined) {
      verdicts.skipped("exit-codes", "the short session did not come to its end");
      return "unseen";
    }
    verdicts.say("exit-codes", code === 1 ? null : `exit code ${code} after a turn that failed`);
    const thinking = first.body["thinking"];
    const isOff = !isRecord(thinking) || thinking["type"] === "disabled";
    return {
      thinking: isOff ? null : `started with --thinking disabled it stays ${String(thinking["type"])}`,
      readsFiles: first.text.includes(secret.text),
    };
  } finally {
    await api.stop();
  }
}
