// Asks /api with the viewer's own cookie. Every failure becomes an ApiError with a sentence that can be shown.

export const sessionPath = "/api/session";

export class ApiError extends Error {
  constructor(
    message: string,
    /** 0: there was no answer. */
    readonly status: number,
    /** What the gateway answered beside its sentence: problems of a config, for example. */
    readonly answer: unknown = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** The same question may be answered later: it was not refused for what it asks. */
  get mayPass(): boolean {
    return this.status !== 400 && this.status !== 404 && !this.isRefusal;
  }

  /** Signing in may help. Not against a proxy, whose refusal has no words of the gateway. */
  get isRefusal(): boolean {
    return this.status === 401 || (this.status === 403 && this.answer !== null);
  }
}

/** Sent to the window when an answer says that the viewer's rights or the gateway itself may be gone: the shell looks. */
export const accessInDoubt = "clawgate:access";

export type ApiRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

function sentenceOf(answer: unknown, status: number): string {
  if (typeof answer === "object" && answer !== null && "error" in answer) {
    const { error } = answer;
    if (typeof error === "string") return error;
    if (
      typeof error === "object" &&
      error !== null &&
      "message" in error &&
      typeof error.message === "string"
    )
      return error.message;
  }
  return answer === null
    ? `Something between this page and the gateway answered with status ${status}.`
    : `The gateway answered with status ${status}.`;
}

/** Throws ApiError, or the signal's reason. */
export async function callApi<T>(
  path: string,
  { method, body, headers, signal }: ApiRequest = {},
): Promise<T> {
  let response: Response;
  let answer: unknown = null;
  try {
    response = await fetch(path, {
      method: method ?? "GET",
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
    const text = await response.text();
    answer = text === "" ? null : jsonOr(text);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    doubtAccess(path);
    throw new ApiError("The gateway cannot be reached. Is it running?", 0);
  }
  if (response.status === 401) doubtAccess(path);
  if (!response.ok) throw new ApiError(sentenceOf(answer, response.status), response.status, answer);
  return answer as T;
}

export function doubtAccess(path: string): void {
  if (path !== sessionPath) dispatchEvent(new Event(accessInDoubt));
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `/api/x?a=1`, without keys that have no value. */
export function apiPath(
  path: string,
  query: Readonly<Record<string, string | number | null | undefined>> | URLSearchParams,
): string {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const kept = new URLSearchParams();
  for (const [key, value] of entries)
    if (value !== null && value !== undefined && value !== "") kept.set(key, String(value));
  return kept.size === 0 ? path : `${path}?${kept.toString()}`;
}
