// Runs a program to its end and keeps what it printed. It must never leave the program running: it is killed at the limit.

export type Finished = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type ProgramRun = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
};

export async function runProgram(argv: readonly string[], options: ProgramRun): Promise<Finished> {
  const child = Bun.spawn([...argv], {
    cwd: options.cwd,
    env: options.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
