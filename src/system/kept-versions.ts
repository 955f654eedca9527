// The names of the earlier versions of a file that are kept next to it. Whoever guards the file must guard them too: they hold the
// same secrets.

/** `<name>.bak` is the newest, `<name>.bak.5` the oldest. */
export const maxBackups = 5;

export const backupName = (name: string, at: number): string =>
  at === 1 ? `${name}.bak` : `${name}.bak.${at}`;

/** What going back replaced. */
export const undoneName = (name: string): string => `${name}.undone`;

export function keptVersions(path: string): readonly string[] {
  const backups = Array.from({ length: maxBackups }, (_, index) => backupName(path, index + 1));
  return [...backups, undoneName(path)];
}
