// Starts the processes of one claude-cli provider, and learns from each whether the program works and which models it has.

import { Failure } from "../../canon/failure.ts";
import { readControlResponse } from "../../dialects/claude-code/protocol-lines.ts";
import type { Clock } from "../../system/clock.ts";
import { errorCode } from "../../system/files.ts";
import { type AgentProcess, startAgentProcess } from "../agent-process/child-process.ts";
import type { ChildRegister } from "../agent-process/child-register.ts";
import type { GatewayRun } from "../agent-process/gateway-run.ts";
import type { ProgramStatus } from "../agent-process/program-status.ts";
import type { Installation } from "./installation.ts";
import type { ClaudeLaunch } from "./launch.ts";
import type { McpFiles } from "./mcp-servers.ts";
import type { ProcessOrder } from "./prepared.ts";
import { removeSessionNotes } from "./session-notes.ts";

export type ProgramChildrenOptions = {
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  readonly run: GatewayRun;
  readonly mcpFiles: McpFiles;
  readonly status: ProgramStatus;
  /** The current one: a reload may replace it. */
  readonly installation: () => Installation;
  /** The answer to `initialize` of a process, which names its models. */
  readonly onModels: (answer: unknown, stamp: string, model: string) => void;
};

export class ProgramChildren {
  constructor(private readonly options: ProgramChildrenOptions) {}

  async start({ launch, mcp }: ProcessOrder): Promise<AgentProcess> {
    const { run, mcpFiles, status, installation, onModels } = this.options;
    const release = mcp === null ? null : await mcpFiles.hold(mcp);
    try {
      const register = await run.register();
      const placed = launch.jail === null ? await this.withExistingFolder(launch) : launch;
      const stamp = await installation().stamp();
      const child = await this.startPlaced(placed, register, stamp);
      if (release !== null) void child.exited.then(release);
      return stamp === null
        ? child
        : observeChild(child, {
            onModels(answer) {
              status.worked(stamp);
              onModels(answer, stamp, launch.model ?? "default");
            },
            onEarlyEnd: (why) => status.failed(stamp, `${launch.bin} ${why}`),
          });
    } catch (thrown) {
      await release?.();
      throw thrown;
    }
  }

  /** A jail has its own folder instead. */
  private async withExistingFolder(launch: ClaudeLaunch): Promise<ClaudeLaunch> {
    const cwd = (await this.options.run.neutralFolders.renew(launch.cwd)) ?? launch.elsewhere ?? launch.cwd;
    return cwd === launch.cwd ? launch : { ...launch, cwd };
  }

  private async startPlaced(
    launch: ClaudeLaunch,
    register: ChildRegister,
    stamp: string | null,
  ): Promise<AgentProcess> {
    const { redact, run, clock, status } = this.options;
    try {
      return await startAgentProcess(launch, {
        register,
        redact,
        jailRuntime: run.jailRuntime,
        clock,
        afterKill: removeSessionNotes,
      });
    } catch (thrown) {
      const { cause } = thrown instanceof Failure ? thrown : {};
      const isOfProgram = cause instanceof Error && isNotExecutable.test(errorCode(cause) ?? "");
      if (stamp !== null && launch.jail === null && isOfProgram)
        status.failed(stamp, `${launch.bin} cannot be started: ${cause.message}`);
      throw thrown;
    }
  }
}

/** System error codes for a program that cannot be run. */
const isNotExecutable = /^(?:ENOENT|EACCES|ENOEXEC|EPERM)$/;
const longestReason = 160;

/**
 * Every process that is used answers to `initialize` and names its models. One that ends by itself before its first line cannot
 * be started; one that a signal ended (a shell adds 128) may have been killed from outside.
 */
function observeChild(
  child: AgentProcess,
  listener: { onModels(answer: unknown): void; onEarlyEnd(why: string): void },
): AgentProcess {
  let isKnown = false;
  let hasSpoken = false;
  let isStopped = false;
  void child.exited.then(({ code }) => {
    if (hasSpoken || isStopped || code === null || code > 128) return;
    const [said = ""] = child.stderr().trim().split("\n");
    listener.onEarlyEnd(
      `ends with exit code ${code}${said === "" ? "" : `: ${said.slice(0, longestReason)}`}`,
    );
  });
  return {
    ...child,
    async next() {
      const line = await child.next();
      hasSpoken ||= line !== null;
      const answer = isKnown || line === null ? null : readControlResponse(line);
      if (answer !== null && "models" in answer.response) {
        isKnown = true;
        listener.onModels(answer.response);
      }
      return line;
    },
    stop(how) {
      isStopped = true;
      return child.stop(how);
    },
  };
}
