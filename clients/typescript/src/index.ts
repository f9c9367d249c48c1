/**
 * The client of a sayso service: ask people from any program, and wait for what they decide.
 *
 * It needs nothing but `fetch`. No answer is never a yes: `approved` is true only if the service says that people, or a
 * rule that an operator wrote, approved; whatever fails throws an error or leaves the request open.
 */

export { Client, type CallOptions, type ClientOptions } from "./client.ts";
export { code, diff, link, markdown, table, type Cell, type Content } from "./content.ts";
export {
  AlreadyUsed, InvalidAddress, KeyReused, NotApproved, Refused, SaysoError, Unreachable,
} from "./errors.ts";
export {
  isApproved, isOpen, type Consumption, type Decision, type Question, type Request, type Vote,
} from "./values.ts";
