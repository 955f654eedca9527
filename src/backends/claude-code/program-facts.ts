// The program's names in messages, and the memory assumed for each of its processes.

/** In failures, findings and the log. */
export const programName = "Claude Code program";

/** In failures of an answer, which the dialect words too. */
export const answeringProgram = "claude program";

/** Memory of one process. Measured on 2.1.197: 155 MB before it is initialised, 207 MB after a turn. */
export const processMb = 200;
