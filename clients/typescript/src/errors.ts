/**
 * What can go wrong.
 *
 *     SaysoError
 *     ├── InvalidAddress      nothing was sent: the service's address is missing or invalid
 *     ├── Refused             the service refused; nothing was done
 *     │   ├── KeyReused       the key stands for another question
 *     │   ├── NotApproved     there is no approval to use
 *     │   └── AlreadyUsed     the approval was used for something else
 *     └── Unreachable         no answer came; whether the call was carried out is unknown
 */

/** The root of the client's errors. */
export class SaysoError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The service's address is missing or cannot be used. Nothing was sent. */
export class InvalidAddress extends SaysoError {
  readonly reason: string;

  constructor(reason: string) {
    super(`${reason}. Set SAYSO_URL, or pass url, for example http://127.0.0.1:8765`);
    this.reason = reason;
  }
}

/**
 * The service refused. `kind` is the error's name, `problem` all that the service said (RFC 9457), and `status` the HTTP
 * status.
 */
export class Refused extends SaysoError {
  readonly kind: string;
  readonly detail: string;
  readonly status: number;
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(kind: string, detail: string, status: number, problem: Readonly<Record<string, unknown>>) {
    super(detail);
    this.kind = kind;
    this.detail = detail;
    this.status = status;
    this.problem = problem;
  }

  /** What the command line exits with for this error; never 0. */
  get exitCode(): number {
    const found = this.problem["exit_code"];
    return typeof found === "number" && Number.isInteger(found) && found > 0 ? found : 1;
  }
}

/** The key stands for another question. Nothing was asked. */
export class KeyReused extends Refused {}

/** The request is not decided, or was not approved: what it is about must not run. */
export class NotApproved extends Refused {}

/** The approval was used before: what it is about must not run again. */
export class AlreadyUsed extends Refused {}

/**
 * The service did not answer, so whether the call was carried out is unknown. A call repeated with the same key is done
 * once.
 */
export class Unreachable extends SaysoError {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`the sayso service did not answer (${reason})`, options);
    this.reason = reason;
  }
}
