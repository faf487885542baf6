/** A workflow that the store believes to be open. */
export interface OpenWorkflow {
  id: string;
  workflow_id: string;
  /** Chain with which it was started. */
  workflow_chain: number;
}

export interface OpenQuery {
  /** Rows after this id. */
  afterId?: string;
  /** Default 500. */
  limit?: number;
}

export interface UnstartedQuery {
  /** Default 2,000: the one who stored it starts it. */
  olderThanMs?: number;
  /** Default 100. */
  limit?: number;
}
