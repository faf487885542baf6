/** What a slot supplier must throw when a reservation is no longer wanted. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';

  constructor() {
    super('the reservation is no longer wanted');
  }
}
