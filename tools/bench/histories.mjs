// How long the histories of a sweep's workflows are, as Temporal has them.

/** Every run of the sweep's workflow: it continues as new. */
export async function sweepFigures({ client }, { workflow_id }) {
  const runs = await lengths(client, `WorkflowId = '${workflow_id}'`);
  return { workflow_runs: runs.length, largest_history: Math.max(...runs) };
}

export async function trialFigures({ client }, { id }) {
  const runs = await lengths(client, `MurnauSweep = '${id}' and MurnauKind = 'run'`);
  return { workflow_runs: runs.length, largest_history: Math.max(...runs) };
}

async function lengths(client, query) {
  const found = [];
  // The list is behind by a moment, and knows no length of what it takes for open: that is asked for.
  for await (const { historyLength, workflowId, runId } of client.workflow.list({ query, pageSize: 1_000 })) {
    found.push(
      historyLength || (await client.workflow.getHandle(workflowId, runId).describe()).historyLength,
    );
  }
  return found;
}
