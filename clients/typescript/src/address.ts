/** Where the service is, and what every call carries. */

import { InvalidAddress } from "./errors.ts";

/** The service's address without a slash at its end, and the headers of every call. */
export interface Address {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The address that was given, else that of `SAYSO_URL` and `SAYSO_TOKEN`. Throws `InvalidAddress`. */
export function findAddress(url: string | undefined, token: string | undefined): Address {
  const text = (url ?? process.env["SAYSO_URL"] ?? "").trim();
  const secret = (token ?? process.env["SAYSO_TOKEN"] ?? "").trim();
  if (text === "") {
    throw new InvalidAddress("the address of the sayso service is not set");
  }
  if (text.startsWith("unix:")) {
    throw new InvalidAddress("this client does not connect to a Unix socket");
  }
  const found = URL.canParse(text) ? new URL(text) : null;
  if (found === null || !["http:", "https:"].includes(found.protocol)) {
    throw new InvalidAddress(`${JSON.stringify(text)} is not an address: it begins with http:// or https://`);
  }
  if (found.username + found.password + found.search + found.hash !== "") {
    throw new InvalidAddress("the address has more than a host and a path");
  }
  if (!/^[\x21-\x7e]*$/.test(secret)) {
    throw new InvalidAddress("the token has characters that no token has");
  }
  const headers = secret === "" ? {} : { Authorization: `Bearer ${secret}` };
  return { url: found.origin + found.pathname.replace(/\/+$/, ""), headers };
}
