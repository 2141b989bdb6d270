/** What an error says; refused connections to several addresses come as one error without a message. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return (error instanceof Error ? error.message || error.name : String(error)).replace(/\.$/, '');
}
