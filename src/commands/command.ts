// The type of a command: a row of a table, run in the context of the process, ending with an exit code.

export type CommandContext = {
  /** Arguments after the command's name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Where set-up searches for processes and units of other programs. Absent: the usual places of this machine. */
  readonly places?: { readonly processFolder: string; readonly serviceFolders: readonly string[] };
  /** Where services are written and for which system. Absent: this machine. */
  readonly serviceMachine?: {
    readonly root: string;
    readonly platform: NodeJS.Platform;
    readonly uid: number;
    /** The program of the service. Absent: this one. */
    readonly program?: readonly string[];
  };
};

export type Command = {
  readonly name: string;
  /** Short names that mean the same. Absent: none. */
  readonly aliases?: readonly string[];
  /** One line for the list. */
  readonly summary: string;
  /** The whole text of `--help`. */
  readonly help: string;
  /** The subcommands of a group; without one, the group's own `run` is called. */
  readonly verbs?: readonly Command[];
  run(context: CommandContext): Promise<number>;
};

/** Exit codes of sysexits.h where they fit: a service manager must not restart a program that cannot work. */
export const exitCodes = { ok: 0, failed: 1, usage: 64, config: 78 } as const;
