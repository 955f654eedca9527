// What a command is: a record in a table, run with what the process has, ending with an exit code.

export type CommandContext = {
  /** Arguments behind the command's name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Where set-up looks for other programs' processes and units. Absent: where this machine has them. */
  readonly places?: { readonly processFolder: string; readonly serviceFolders: readonly string[] };
};

export type Command = {
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** The whole text of `--help`. */
  readonly help: string;
  /** The verbs of a group; `run` is what the group does without one. */
  readonly verbs?: readonly Command[];
  run(context: CommandContext): Promise<number>;
};

/** Exit codes of sysexits.h where they fit: a service manager must not restart what cannot work. */
export const exitCodes = { ok: 0, failed: 1, usage: 64, config: 78 } as const;
