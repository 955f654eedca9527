// Ids for Google's calls and results, which often have none: they belong together by name and order, and other formats
// need ids. The same history must always give the same ids, because the upstream's prompt cache depends on them.

export type CallIds = {
  /** The id of a call at this position of the contents. */
  opened(id: string | null, name: string, at: string): string;
  /** The id of the call that a result answers. */
  answered(id: string | null, name: string, at: string): string;
};

type Call = { readonly id: string; readonly name: string; isAnswered: boolean };

export function callIds(): CallIds {
  const calls: Call[] = [];
  return {
    opened(id, name, at) {
      const call = { id: id ?? `call_${at}`, name, isAnswered: false };
      calls.push(call);
      return call.id;
    },
    answered(id, name, at) {
      const waiting = calls.filter((call) => !call.isAnswered);
      const call =
        (id === null ? undefined : waiting.find((each) => each.id === id)) ??
        waiting.find((each) => each.name === name);
      if (call === undefined) return id ?? `call_${at}`;
      call.isAnswered = true;
      return call.id;
    },
  };
}
