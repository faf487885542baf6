/** A folder that cannot be told: read as the MurnauError of its code, which this package cannot import. */
export class FolderError extends Error {
  readonly code = 'setup.home_unusable';
  readonly field = 'MURNAU_HOME';

  constructor(
    message: string,
    readonly given: string,
    readonly allowed: string,
  ) {
    super(message);
    this.name = 'FolderError';
  }
}
