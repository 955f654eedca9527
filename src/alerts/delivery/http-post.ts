// One POST to the operator's own address: limited in time, without redirects, and with nothing of the answer but its status.

import type { DeliveryResult } from "./message.ts";

export type HttpPost = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal | undefined;
};

const timeoutMs = 10_000;

export async function postOnce(
  fetcher: typeof fetch,
  { url, headers, body, signal }: HttpPost,
): Promise<DeliveryResult> {
  try {
    const answer = await fetcher(url, {
      method: "POST",
      headers: { ...headers },
      body,
      // An address that the operator did not choose must not get the message.
      redirect: "manual",
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
    });
    void answer.body?.cancel().catch(() => undefined);
    if (answer.status >= 200 && answer.status < 300) return { ok: true };
    const isRedirect = answer.status >= 300 && answer.status < 400;
    const mayChange = answer.status === 408 || answer.status === 429 || answer.status >= 500;
    return {
      ok: false,
      isFinal: !mayChange,
      why: `it answered ${answer.status}${isRedirect ? "; redirects are not followed" : ""}`,
    };
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    const why = isLate ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error);
    return { ok: false, isFinal: false, why };
  }
}

/** The runtime's own word: its message may contain the address. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "the connection failed";
}
