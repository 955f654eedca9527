// What an operator asked for does not fit the state of things: no config file, a file that changed, a key that must stay. The message
// is for the operator and contains no secret.

export class Conflict extends Error {
  override readonly name = "Conflict";

  constructor(
    /** 409; 412: the file changed since it was read; 428: the request does not say which version it changes; 503: try again. */
    readonly status: 409 | 412 | 428 | 503,
    /** A word for programs. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
