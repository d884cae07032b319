import { OPERATIONS } from "./operations";

/** Whether the API has an operation, and a parameter of it: pages show only what the API can do. */
export function offers(operation: string, parameter?: string): boolean {
  const query = OPERATIONS[operation];
  return query !== undefined && (parameter === undefined || query.includes(parameter));
}
